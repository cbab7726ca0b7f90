"""Questions that a fleet is asked often, each a SQL text with a name."""

from __future__ import annotations

import msgspec

__all__ = ["METRICS", "QUESTIONS", "Metric", "Question"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question.

    Parameters
    ----------
    line : what it tells, in one line
    sql : over the views (`query.VIEWS`); `$to` and `$since` are what was given, `$has` machine types that catalogues of
        the release have
    needs : what must be given: "to", a release; "since", a time
    asked : what must be true for there to be an answer, as SQL; and what to say where it is not
    """

    line: str
    sql: str
    needs: tuple[str, ...] = ()
    asked: tuple[str, str] | None = None


# Of the number of a machine type the release that it is of; QEMU, include/hw/core/boards.h:
# MACHINE_VER_DEPRECATION_MAJOR, MACHINE_VER_DELETION_MAJOR (the minor counts where the major is just as old).
# Releases call types deprecated by that rule since 9.1, and leave them out by it since 10.1. Where a catalogue of the
# release has others of the same family ($has), it says what is left.
_AGE = """
with typed as (
    select machine, size, url, object,
        regexp_extract(machine, '^(.*)-(\\d+)\\.(\\d+)$', ['family', 'major', 'minor']) as of,
        [try_cast(split_part($to, '.', 1) as int), try_cast(split_part($to, '.', 2) as int)] as release
    from streams where state <> 'unread'
), aged as (
    select *, release[1] - try_cast(of.major as int) as years, release[2] >= try_cast(of.minor as int) as full_years,
        years > 3 or (years = 3 and full_years) as old, years > 6 or (years = 6 and full_years) as very_old
    from typed where of.major <> ''
), told as (
    select *, case
        when len(list_filter($has::varchar[], lambda one: starts_with(one, of.family || '-'))) > 0
            then not list_contains($has::varchar[], machine) and (years > 0 or (years = 0 and full_years))
        else very_old and release >= [10, 1] end as removed, old and release >= [9, 1] as deprecated
    from aged
)
"""

QUESTIONS: dict[str, Question] = {
    "machine-types": Question(
        line="Machine types, how many guests of each, and who can have written them.",
        sql="""
select machine, architecture, count(*) as guests, sum(size)::bigint as bytes, sum(memory)::bigint as memory,
    list(distinct writer order by writer) as writers
from streams where state <> 'unread' group by machine, architecture order by guests desc, machine
""",
    ),
    "will-not-load": Question(
        line="Guests that a release will not load, or of which nobody can tell.",
        sql="""
select coalesce(s.url, s.object) as guest, s.machine, v.loads, v.device, v.path, v.kind,
    coalesce(v.message, s.message, 'it was not foretold for this object: scan it with --to') as message
from streams s left join verdicts v on v.scan = s.scan and v.release = $to
where v.loads is not true order by v.loads nulls last, v.kind, v.message, guest
""",
        needs=("to",),
        asked=(
            "select count(*) > 0 from verdicts where release = $to",
            "no load was foretold for that release: scan with --to",
        ),
    ),
    "damaged": Question(
        line="Objects that are damaged, or cannot be read.",
        sql="""
select coalesce(s.url, s.object) as object, s.state, coalesce(s.error, f.code) as code,
    coalesce(s.place, f.path) as place, f.start as offset, coalesce(s.message, f.message) as message
from streams s left join (
    select scan, min_by(struct_pack(code, path, start, message), coalesce(start, 0)) as one
    from findings where severity = 'error' group by scan
) g on g.scan = s.scan left join lateral (select g.one.code, g.one.path, g.one.start, g.one.message) f on true
where s.state in ('damaged', 'unread') order by s.state, code, object
""",
    ),
    "largest-devices": Question(
        line="Devices by the size of their state.",
        sql="""
select name, count(*) as sections, max(size) as largest, round(avg(size))::ubigint as average,
    sum(size)::bigint as bytes, max_by(coalesce(d.url, d.object), size) as largest_in
from devices d group by name order by largest desc, name limit 40
""",
    ),
    "needs-old-machine": Question(
        line="Machine types that a release calls deprecated, or does not have any more.",
        sql=_AGE
        + """
select machine, case when removed then 'removed' else 'deprecated' end as state,
    count(*) as guests, sum(size)::bigint as bytes, min(coalesce(url, object)) as one_of_them
from told where removed or deprecated group by all order by state desc, guests desc, machine
""",
        needs=("to",),
    ),
    "duplicates": Question(
        line="Objects that hold the same device state of the same machine.",
        sql="""
select digest, count(*) as copies, sum(size)::bigint as bytes, min(machine) as machine,
    list(coalesce(url, object) order by url, object)[:4] as objects
from streams where digest is not null and devices > 0 group by digest having count(*) > 1
order by bytes desc nulls last, digest
""",
    ),
    "since": Question(
        line="What is new, changed, read again or gone since a time (yesterday, 7d, 2026-11-27).",
        sql="""
with before as (
    select object, arg_max(struct_pack(state, digest, size, etag, mtime), time) as was
    from history where time < $since and state <> 'gone' group by object
), left_behind as (
    select object, max(url) as url, max(time) as time
    from history group by object having arg_max(state, (time, scan)) = 'gone'
)
select coalesce(s.url, s.object) as object, case
    when b.object is null then 'new'
    when (s.size, s.etag, s.mtime) is distinct from (b.was.size, b.was.etag, b.was.mtime) then 'changed'
    else 'read again' end as what, b.was.state as was, s.state as state,
    b.object is not null and b.was.digest is distinct from s.digest as other_state, s.machine, s.size, s.message
from streams s left join before b using (object)
where s.time >= $since
union all select coalesce(g.url, g.object), 'gone', b.was.state, 'gone', false, null, b.was.size, null
from left_behind g join before b using (object) where g.time >= $since
order by what, object
""",
        needs=("since",),
    ),
    "gone": Question(
        line="Objects that are not there any more, what they were, and which run did not find them.",
        sql="""
select coalesce(max(url), object) as object, arg_max(machine, time) filter (state <> 'gone') as machine,
    arg_max(state, time) filter (state <> 'gone') as was, arg_max(size, time) filter (state <> 'gone') as size,
    max(time) filter (state <> 'gone') as seen, max(time) as not_found
from history group by history.object having arg_max(state, (time, scan)) = 'gone' order by not_found desc, 1
""",
    ),
    "unread": Question(
        line="Errors of what could not be read, by code.",
        sql="""
select error, again, count(*) as objects, min(coalesce(url, object)) as one_of_them, min(message) as message
from streams where state = 'unread' group by error, again order by objects desc, error
""",
    ),
}


class Metric(msgspec.Struct, frozen=True):
    """A gauge of Prometheus: what it tells, and the SQL that gives its labels and, last, its value."""

    help: str
    sql: str


METRICS: dict[str, Metric] = {
    "migstream_fleet_objects": Metric(
        "Objects by the state in which they were found.",
        "select state, count(*) as value from streams group by state order by state",
    ),
    "migstream_fleet_bytes": Metric(
        "Bytes of the objects, as they are stored.",
        "select state, coalesce(sum(size), 0)::double as value from streams group by state order by state",
    ),
    "migstream_fleet_machines": Metric(
        "Guests by machine type.",
        "select machine, count(*) as value from streams where machine is not null group by machine order by machine",
    ),
    "migstream_fleet_findings": Metric(
        "Findings by code.",
        "select code, severity, count(*) as value from findings group by code, severity order by code, severity",
    ),
    "migstream_fleet_loads": Metric(
        "Guests by release, and whether it will load them.",
        """select release, case when loads then 'yes' when loads is null then 'unknown' else 'no' end as loads,
        count(*) as value from verdicts group by all order by release, loads""",
    ),
    "migstream_fleet_scanned_timestamp_seconds": Metric(
        "When the newest run began.",
        "select epoch(max(time)) as value from streams having count(*) > 0",
    ),
}
