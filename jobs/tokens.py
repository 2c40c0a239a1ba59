"""Look after vaults of random tokens: ``python jobs/tokens.py VERB`` (docs/tokenize.md). No verb opens a token.

``create --path PATH`` makes an empty vault and says what domains.yaml is to have; the others take ``--conf conf
--domain NAME``.

Exit codes: 0 done (exists: all of them do), 1 refused (exists: some do not), 2 wrong usage or configuration, 3 failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, Refused
from jobs.console.shown import as_json, say, shown
from jobs.gates.known import today
from jobs.lake import java, vault_table
from jobs.lake.vault_table import Expired
from jobs.named_keys import key_exposure
from jobs.policy import policy_approval
from jobs.reversal import asked
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.token_vault import looked_at
from jobs.token_vault.looked_at import rough

VERBS: Mapping[str, str] = {
    "create": "an empty vault in a new folder that its owner alone can enter",
    "exists": "which tokens of a file the vault holds, one a line",
    "show": "how many tokens there are, since when, and how many expire",
    "expire": "take out what is past its time, and purge the files of what was taken out long enough ago",
}
TIME = "%Y-%m-%dT%H:%M:%SZ"


def create(spark: SparkSession, path: str, bits: int = 128, exportable: bool = False) -> str:
    """Make a vault; returns its id. Raises `Refused` where anything stands there."""
    own = session.for_run(spark)
    return failures.translated("", lambda: vault_table.create(own, path, bits, exportable))


def exists(spark: SparkSession, conf: Config, domain: str, tokens: Sequence[str]) -> list[bool]:
    """Of each token whether the vault of a domain holds it."""
    own = session.for_run(spark)
    _check_key(own, conf, domain)
    return failures.translated(domain, lambda: looked_at.existing(own, conf, domain, tokens))


def run(spark: SparkSession, conf: Config, domain: str) -> Mapping[str, Any]:
    """What may be known of the vault of a domain: the verb ``show``."""
    own = session.for_run(spark)
    return failures.translated(domain, lambda: looked_at.told(own, conf, domain))


def expire(spark: SparkSession, conf: Config, domain: str) -> Expired:
    """Take out of the vault of a domain what has expired."""
    own = session.for_run(spark)
    entry = looked_at.of_domain(conf, domain)[1]
    return failures.translated(domain, lambda: vault_table.expire(own, entry))


def _check_key(spark: SparkSession, conf: Config, domain: str) -> None:
    """As of a run: no key is opened that settings give away, or that the policy has something against."""
    exposed = key_exposure.refusals(java.application(spark).items(), conf.keys)
    found = refused(policy_approval.of_key(conf, str(looked_at.of_domain(conf, domain)[0].key), today()))
    if exposed or found:
        raise Refused("\n".join([*exposed, *map(str, found)]))


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("tokens", __doc__)
    verbs = arguments.verbs(options, VERBS)
    verbs["create"].add_argument("--path", required=True, help="a path in a lake (a new folder, for the vault alone)")
    size = verbs["create"].add_argument("--bits", type=int, default=128, help="of its tokens, a multiple of 8; 128")
    size.choices = range(128, 257, 8)
    exports = "values are kept under the key alone too: vault and key then give all of them"
    verbs["create"].add_argument("--exportable", action="store_true", help=exports)
    for verb in ("exists", "show", "expire"):
        flags.CONF.on(verbs[verb], required=True)
        verbs[verb].add_argument(
            "--domain", required=True, metavar="NAME", help="a domain of domains.yaml (whose vault it is)"
        )
    flags.TOKENS.on(verbs["exists"], required=True)
    flags.JSON.on(verbs["show"])
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.verb == "create":
        made = create(session.start("lakenym tokens"), options.path, options.bits, options.exportable)
        more = ", exportable: true" if options.exportable else ""
        vault = f'vault: {{path: {shown(as_json(options.path))}, id: "{made}"{more}}}'
        say(f"the vault is made; in domains.yaml:\n  bits: {options.bits}\n  {vault}")
        return DONE
    conf = arguments.loaded(options.conf)
    looked_at.of_domain(conf, options.domain)
    tokens = asked.of_tokens(options.tokens).tokens if options.verb == "exists" else ()
    spark = session.start("lakenym tokens")
    if options.verb == "exists":
        found = exists(spark, conf, options.domain, tokens)
        say(
            "\n".join(
                f"{token} {'exists' if there else 'does not'}" for token, there in zip(tokens, found, strict=True)
            )
        )
        return DONE if all(found) else REFUSED
    if options.verb == "show":
        known = run(spark, conf, options.domain)
        say(as_json(known) if options.json else "\n".join(f"{name}: {value}" for name, value in known.items()))
        return DONE
    _tell(options.domain, expire(spark, conf, options.domain))
    return DONE


def _tell(domain: str, done: Expired) -> None:
    say(f"{domain}: {rough(done.rows)} tokens were past their time and are out of the vault")
    if done.until is not None:
        until = done.until.strftime(TIME)
        say(f"{domain}: older versions of it hold what was taken out until {until}: run this again after that")


if __name__ == "__main__":
    sys.exit(process.ended(main))
