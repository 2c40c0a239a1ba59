"""The list of the erased: whether a run can leave out whom it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.configuration.finding import Finding
from jobs.gates.known import Inspected
from jobs.lake import erased_list, lists_of_runs, places
from jobs.lake.erased_list import ErasedList
from jobs.lake.log_commits import ERASURE, Commit
from jobs.lake.problems import SourceProblem
from jobs.named_keys import erasure_key
from jobs.record.record_reader import columns_of
from jobs.treatment import kept_out
from jobs.treatment.kept_out import Watched
from privacy_udfs.errors import KeyProblem
from privacy_udfs.scope_labels import domain_of

AGAIN = (
    "name that one again (from a backup that is no older than the last erasure); or erase the same subjects again, "
    "which puts them on this one, and then say --accept-deleted-rows"
)


def can_be(known: Inspected) -> Iterator[Finding]:
    """A list that is not there, or another one, or went back; one that the policy names no more; columns by which
    nobody can be left out; a key that does not open."""
    last = lists_of_runs.last(known.target.history)
    key = erasure_key.of(known.conf)
    watched = kept_out.of(known.spark, known.plan, known.conf.domains)
    if key is None or key.entry.list is None:
        if last:
            yield _refused(
                "policy.yaml names no list of the erased, and this table's last run had one: whoever it keeps out "
                "would come back. State erasure.list again; to have them back on purpose, name a new list "
                "(jobs/erase.py --make-list)"
            )
        return
    left = _left_alone(known, watched)
    if not watched and not left:
        return
    if known.target.transaction is None:
        yield _refused("the erased are kept out beside Delta's own transaction, which is out of reach here")
        return
    try:
        now = erased_list.looked(known.spark, key.entry.list)
        _check_place(known, now)
        yield from _forgotten(known, now, left)
        if last.get("id") == now.entry.id:
            erased_list.check_goes_on(now, int(last["version"]), last.get("commit"))
        elif (lost := lists_of_runs.lost(known.target.history, known.conf.policy.erasure)) is not None:
            allowed = known.allowed.deleted_rows
            yield Finding("warn" if allowed else "refuse", None, lost if allowed else f"{lost}. {AGAIN}")
        key.check_apart(known.keys.keysets)
        yield from _unfit(now, watched)
        yield from _whole(now, watched)
        key.ring  # noqa: B018 - it opens
    except (SourceProblem, KeyProblem) as error:
        yield _refused(str(error))


def not_kept_out(known: Inspected, deletes: Sequence[Commit]) -> tuple[Commit, ...]:
    """Of commits that took rows away in the target those by which rows may come back: not those of erasures whose
    subjects stand on the list, which the run keeps out."""
    erasures = [commit for commit in deletes if commit.run.get("mode") == ERASURE]
    by = {commit.version: str(commit.run.get("run_id", "")).partition("/")[0] for commit in erasures}
    key = erasure_key.of(known.conf) if by else None
    if key is None or key.entry.list is None:
        return tuple(deletes)
    watched = kept_out.of(known.spark, known.plan, known.conf.domains)
    domains = {name for each in watched for name in each.domains} - {*_left_alone(known, watched)}
    if not domains:
        return tuple(deletes)
    try:
        runs = erased_list.looked(known.spark, key.entry.list).runs(domains)
    except SourceProblem:  # told by the gate above
        return tuple(deletes)
    return tuple(commit for commit in deletes if by.get(commit.version) not in runs)


def _check_place(known: Inspected, now: ErasedList) -> None:
    places.check_apart(known.spark, known.source.rows, now.location, now.entry.place, "list of the erased")
    target = known.target.location
    if target is not None and not places.are_apart(known.spark, target, now.location):
        raise SourceProblem(f"the list of the erased {now.entry.place} is the target, or one lies in the other")


def _left_alone(known: Inspected, watched: Sequence[Watched]) -> Mapping[str, str]:
    """By domain of the table's record a column that it was of then, and that is looked at by it no more."""
    now = {(str(each.path), name) for each in watched for name in each.domains}
    before = columns_of(known.target.properties)
    then = {
        (path.partition("{when ")[0], domain_of(entry.domain))
        for path, entry in before.items()
        if entry.domain is not None
    }
    return {domain: path for path, domain in sorted(then - now) if "/" not in domain}


def _forgotten(known: Inspected, now: ErasedList, left: Mapping[str, str]) -> Iterator[Finding]:
    """Domains of the list by which nobody is kept out any more. left: as `_left_alone` gives it."""
    there = now.domains
    unknown = sorted(there - {*known.conf.domains})
    if unknown:
        yield _refused(
            f"the list of the erased names subjects of {', '.join(unknown)}, and domains.yaml has no such domain: "
            "whoever it keeps out would come back. State the domain again under that name (another one that is to "
            "take its place does so beside it, once the same subjects were erased under that one too)"
        )
    lost = sorted(there & {*left} - {*unknown})
    if lost and not known.allowed.deleted_rows:
        yield _refused(
            f"{left[lost[0]]} is no longer of domain {lost[0]}, of which the list of the erased names subjects: their "
            "rows would come back. Give it the domain again; or delete them at the source, and then say "
            "--accept-deleted-rows"
        )


def _listed(now: ErasedList, some: Sequence[Watched]) -> Iterator[tuple[Watched, str]]:
    """Of columns those of whose domains the list has anybody, each with the names of these."""
    there = {domain for domain, *_ in now.codes({name for each in some for name in each.domains})} if some else set()
    for each in some:
        found = sorted(there & {*each.domains})
        if found:
            yield each, ", ".join(found)


def _whole(now: ErasedList, watched: list[Watched]) -> Iterator[Finding]:
    """Columns by which rows of others go: nobody is to miss these without having been told."""
    for each, found in _listed(now, [each for each in watched if each.is_whole]):
        yield Finding(
            "warn",
            None,
            f"{each.path}: the list of the erased names subjects of {found}, and rows of others that name one of them "
            "there are left out whole: they hang on the value (docs/receipts.md)",
        )


def _unfit(now: ErasedList, watched: list[Watched]) -> Iterator[Finding]:
    """Of columns by which nobody can be left out those of whose domain the list has anybody."""
    for each, found in _listed(now, [each for each in watched if each.unfit is not None]):
        yield _refused(
            f"{each.path}: the list of the erased names subjects of {found}, and {each.unfit}: drop the "
            "column, or take them out at the source and state a treatment without the domain"
        )


def _refused(what: str) -> Finding:
    return Finding("refuse", None, what)
