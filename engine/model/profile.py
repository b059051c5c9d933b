"""A person's profile as a page gives it, and the lead row that it becomes: what `enrich leads` takes as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.model.record import Row

#: What a page may say of a person, beside the name; the last two are lists.
FIELDS: Final = ("title", "organisation", "email", "phone", "links", "research_areas")
LISTS: Final = frozenset({"links", "research_areas"})

#: Links that one person alone has: columns of their own, by which leads are told apart (engine.policy.lead).
_OWN_PAGES: Final = {"linkedin": "linkedin.com/in/", "orcid": "orcid.org/0"}

Profile = dict[str, Any]


def lead_row(row: Row) -> dict[str, Any]:
    """The lead of a discovery row that has a profile. Absent values are null, and lists empty."""
    profile: Profile = row["discovery_metadata"]["profile"]
    links = profile.get("links", [])
    return {
        "name": profile["name"],
        "title": profile.get("title"),
        "organisation": profile.get("organisation"),
        "email": profile.get("email"),
        "phone": profile.get("phone"),
        "url": row["discovery_metadata"].get("final_url") or row["discovered_url"],
        **{name: next((link for link in links if mark in link), None) for name, mark in _OWN_PAGES.items()},
        "links": links,
        "research_areas": profile.get("research_areas", []),
        "sources": profile["sources"],
        "listing_url": row["source_url"],
    }
