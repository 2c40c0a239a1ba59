"""FF1, format-preserving encryption, over whole arrays of text.

**Why by hand.** ``cryptography`` and Tink have no FF1. libffx, in Python, takes 28 microseconds for 16 digits, hardly
any of them for AES; to take all values of one length through each round together makes it some 150 times as fast
(docs/benchmarks.md). AES itself is OpenSSL's.

**One by one, where that is better.** Few values of one length, and halves over 512 bytes, go one at a time as Python's
integers, in the plainest way. A way that splits and joins numbers in halves stood here. Measured in turns (processor
time, medians of five), the plain one takes 0.2 to 0.4 of its time for up to 300 digits, as much for 1,000, and then
more, 4 times for 5,000 and 16 times for 30,000 (0.2 s a value): no field that keeps a format is so long.

**Source.** NIST SP 800-38G; the domain of at least a million is that of the second draft of its Revision 1. The tests
hold it against NIST's samples and, at every length, against libffx.

**What it does not protect against.** Integers of numpy and of Python are not divided in constant time. Small domains
can be walked through by whoever may encrypt, equal values stay equal, and nothing authenticates a pseudonym.
"""

from privacy_udfs.kernels.ff1.alphabet import Alphabet
from privacy_udfs.kernels.ff1.ff1 import FF1
from privacy_udfs.kernels.ff1.text import crypt_text

__all__ = ["FF1", "Alphabet", "crypt_text"]
