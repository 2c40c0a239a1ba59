"""What the customers did: their accounts, their orders, their visits to the web site."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.demo_lake.numbers import cards, ibans, moments, some_null

Ints = npt.NDArray[np.int64]


def accounts(rng: np.random.Generator, crm: pa.Table, count: int) -> pa.Table:
    """The billing system's export: the customer number is text here."""
    owner = rng.integers(crm.num_rows, size=count)
    countries = pc.struct_field(crm["address"].combine_chunks(), "country").take(pa.array(owner)).to_pylist()
    return pa.table(
        {
            "account_id": [f"AC-{number:08}" for number in rng.permutation(count)],
            "customer_id": crm["customer_id"].take(pa.array(owner)).cast(pa.string()),
            "iban": pa.array(ibans(rng, countries), pa.string()),
            "card_number": some_null(rng, cards(rng, count), 0.2),
            "balance": money(rng.normal(2_500, 4_000, count), pa.decimal128(12, 2)),
            "opened": pa.array(rng.integers(14_600, 20_600, count).astype("int32")).cast(pa.date32()),
        }
    )


def orders(rng: np.random.Generator, crm: pa.Table, count: int) -> pa.Table:
    """The shop's orders with their items nested; guests order too, without a customer number."""
    buyer = often(rng, crm.num_rows, count)
    guest = rng.random(count) < 0.08
    return pa.table(
        {
            "order_id": pa.array(50_000_000 + rng.permutation(count)),
            "customer_id": pa.array(crm["customer_id"].to_numpy()[buyer], mask=guest),
            "order_ts": moments(rng, count),
            "channel": rng.choice(np.array(["shop", "app", "phone"], object), count, p=[0.5, 0.4, 0.1]),
            "items": items(rng, crm, buyer),
        }
    )


def items(rng: np.random.Generator, crm: pa.Table, buyer: Ints) -> pa.Array:
    """A list of 0 to 5 items an order; one in twelve is a present with a note that names somebody."""
    sizes = rng.choice(6, len(buyer), p=[0.01, 0.5, 0.25, 0.14, 0.07, 0.03])
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype("int32")
    total = int(offsets[-1])
    names = crm["first_name"].to_numpy()[np.repeat(buyer, sizes)]
    given = rng.random(total) < 1 / 12
    rows = pa.StructArray.from_arrays(
        [
            pa.array([f"SKU-{number:05}" for number in rng.integers(3_000, size=total)]),
            pa.array(rng.integers(1, 5, total).astype("int32")),
            money(rng.lognormal(3, 0.9, total), pa.decimal128(10, 2)),
            pa.array(
                [f"With love from {name}" if present else None for name, present in zip(names, given, strict=True)]
            ),
        ],
        names=["sku", "quantity", "price", "gift_note"],
    )
    return pa.ListArray.from_arrays(pa.array(offsets), rows)


AGENTS = tuple(
    f"Mozilla/5.0 ({system}) {engine}"
    for system in (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "Linux; Android 14",
    )
    for engine in (
        "Gecko/20100101 Firefox/138.0",
        "AppleWebKit/537.36 Chrome/136.0.0.0",
        "AppleWebKit/605.1.15 Safari/18.4",
    )
)
PAGES = ("/", "/search", "/cart", "/checkout", "/account", "/help", *(f"/product/{number}" for number in range(300)))


def events(rng: np.random.Generator, crm: pa.Table, count: int) -> pa.Table:
    """The web server's log. Half of the visits are logged in, with the address as it was typed."""
    visitor = often(rng, crm.num_rows, count)
    email = typed(rng, crm["email"].combine_chunks().take(pa.array(visitor)))
    known = pc.if_else(pa.array(rng.random(count) < 0.5), email, None)
    mailed = pc.binary_join_element_wise("https://www.shop.example/news?to=", crm["email"].take(pa.array(visitor)), "")
    return pa.table(
        {
            "event_id": hexadecimal(rng, count, 16),
            "session_id": hexadecimal(rng, count, 12),
            "email": known,
            "ip": ips(rng, count),
            "user_agent": rng.choice(np.array(AGENTS, object), count),
            "page": rng.choice(np.array(PAGES, object), count),
            "referrer": pc.if_else(pa.array(rng.random(count) < 0.05), mailed, None),
            "ts": moments(rng, count),
        }
    )


def often(rng: np.random.Generator, people: int, count: int) -> Ints:
    """``count`` picks of a person; some people come far more often than others."""
    weights = rng.lognormal(0, 1, people)
    return rng.choice(people, count, p=weights / weights.sum())


def typed(rng: np.random.Generator, email: pa.Array) -> pa.Array:
    """Addresses as people type them: capitals, a space before or after."""
    how = rng.random(len(email))
    email = pc.if_else(pa.array(how < 0.15), pc.utf8_upper(email), email)
    email = pc.if_else(pa.array((how > 0.15) & (how < 0.3)), pc.utf8_capitalize(email), email)
    email = pc.if_else(pa.array(how > 0.95), pc.binary_join_element_wise(email, " ", ""), email)
    return pc.if_else(pa.array((how > 0.9) & (how < 0.95)), pc.binary_join_element_wise("  ", email, ""), email)


def ips(rng: np.random.Generator, count: int) -> list[str]:
    """IPv4 out of 100.64.0.0/10 (carriers' own space), and one in six IPv6 out of 2001:db8::/32 (for documents)."""
    parts = rng.integers(0, 2**16, (count, 4))
    return [
        f"2001:db8:{a:x}:{b:x}::{c:x}:{d:x}" if a % 6 == 0 else f"100.{64 + a % 64}.{b % 256}.{c % 254 + 1}"
        for a, b, c, d in parts.tolist()
    ]


def hexadecimal(rng: np.random.Generator, count: int, size: int) -> list[str]:
    """Random ids of ``size`` bytes in hexadecimal."""
    drawn = rng.bytes(count * size)
    return [drawn[start : start + size].hex() for start in range(0, len(drawn), size)]


def money(amounts: npt.NDArray[Any], kind: pa.Decimal128Type) -> pa.Array:
    """Amounts to the cent."""
    return pa.array(np.round(amounts, 2)).cast(kind)
