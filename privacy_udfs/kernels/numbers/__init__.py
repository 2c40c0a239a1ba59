"""Numbers, days and places: exact decimals, bins, calendars by the clocks of a zone, noise, geohashes.

**Why by hand.** Arrow and numpy do the arithmetic; what is here is what neither has, and a loop of Python that has it
costs half a microsecond to six a value (docs/benchmarks.md). `exact` computes on integers and decimals with no float
between. `bins` puts a float where its decimal spelling belongs. `calendar` asks ``zoneinfo`` once for each unit that
occurs, since Arrow's zones are wrong after 2037. `written_times` reads dates strictly, with no locale and no C library.
`noise` has a logarithm of its own, for numpy's may differ in the last bit between processors.

**Source.** The proleptic Gregorian calendar, ISO 8601 weeks, the IANA time zones; PostgreSQL's ``date_trunc`` for
centuries and millennia; G. Niemeyer's geohash. The tests hold each against plain Python, one value at a time.

**What it does not protect against.** Times depend on values: on whether they fit 64 bits, on which days occur. And
noise made of floats is no differential privacy: its low bits can tell the value that it was added to (Mironov, 2012).
"""

from privacy_udfs.kernels.numbers import calendar, exact, written_numbers
from privacy_udfs.kernels.numbers.bins import Binned, Grid, bin_exact, bin_floats
from privacy_udfs.kernels.numbers.calendar import DAY, FIRST_DAY, LAST_DAY, Unit, in_calendar
from privacy_udfs.kernels.numbers.geohash import LATITUDE, LONGITUDE, geohash
from privacy_udfs.kernels.numbers.noise import laplace, symmetric_unit
from privacy_udfs.kernels.numbers.written_numbers import Mark
from privacy_udfs.kernels.numbers.written_times import Form

__all__ = [
    "DAY",
    "FIRST_DAY",
    "LAST_DAY",
    "LATITUDE",
    "LONGITUDE",
    "Binned",
    "Form",
    "Grid",
    "Mark",
    "Unit",
    "bin_exact",
    "bin_floats",
    "calendar",
    "exact",
    "geohash",
    "in_calendar",
    "laplace",
    "symmetric_unit",
    "written_numbers",
]
