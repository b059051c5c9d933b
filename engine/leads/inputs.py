"""From rows to leads: mapped, checked, and told apart, before anything is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.lead import LeadFailure
from engine.policy.lead import identity, no_person
from engine.providers.store import NewLead
from engine.sources.rows import TableRow, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.providers.shape import ShapedProvider
    from engine.settings import LeadsSettings
    from engine.sources.source import Source

#: A row that cannot be read is kept under this column.
UNREAD = "unread"


def new_leads(
    sources: Sequence[Source], provider: ShapedProvider, settings: LeadsSettings, limit: int
) -> Iterator[NewLead]:
    """Read the inputs; at most `limit` rows of them (0: all). UsageError where one is unfit as a whole."""
    taken = 0
    for source in sources:
        for row in table_rows(source):
            if limit and taken >= limit:
                return
            taken += 1
            yield _lead(source, row, provider, settings)


def _lead(source: Source, row: TableRow, provider: ShapedProvider, settings: LeadsSettings) -> NewLead:
    where = f"{source.unit} {row.ordinal} of {source.name}"
    if row.columns is None:
        told = f"{where} cannot be read as a row"
        return NewLead(identity("unread", {"text": row.text}), {UNREAD: row.text}, {}, LeadFailure.INVALID_LEAD, told)
    info = mapped(row.columns, settings.map)
    key = identity(provider.endpoint, info)
    if provider.person and (why := no_person(info)):
        return NewLead(key, row.columns, info, LeadFailure.NOT_A_LEAD, f"{why} ({where})")
    if (why := provider.missing(info)) is not None:
        # Rows that lack everything are not one lead: each is told by its place.
        key = identity("unfit", {"where": where, **info})
        return NewLead(key, row.columns, info, LeadFailure.INVALID_LEAD, f"{why} ({where})")
    return NewLead(key, row.columns, info)


def mapped(columns: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What is sent of a row: the columns that `names` maps, all of them where it is empty; nothing that is blank."""
    wanted = names or {name: name for name in columns}
    return {
        field: value.strip() if isinstance(value, str) else value
        for name, field in wanted.items()
        if (value := columns.get(name)) is not None and (not isinstance(value, str) or value.strip())
    }
