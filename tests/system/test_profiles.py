"""`enrich profiles` on a directory of 60 people in three layouts, its shard killed; what `enrich leads` makes of it."""

from __future__ import annotations

from collections import Counter

from system.harness import lines
from web import faculty

from engine.leads.inputs import new_leads
from engine.leads.setup import make_provider
from engine.settings import Settings
from engine.sources.source import resolve

HOST = "slow-20-x.faculty-60-profiles.test"
FAST = {"politeness__max_per_host": 0, "run__shards": 1, "run__nlp_processes": 1}


def test_profiles_are_all_found_with_their_fields_and_no_listing_among_them(enrich):
    command = ("profiles", f"http://{HOST}/people/", "--out", enrich.out, *enrich.settings(**FAST))
    running = enrich.start(*command)
    running.until(enrich.committed)
    running.kill("shard")
    assert running.ended() == 0, running.err
    assert "60 profiles in profiles.jsonl" in running.err

    leads = {lead["url"]: lead for lead in lines(enrich.out / "profiles.jsonl")}
    everyone = faculty.people(HOST)
    assert leads.keys() == {person.url for person in everyone}
    wrong = Counter()
    for person in everyone:
        lead = leads[person.url]
        truth = {
            "name": person.name, "title": person.title, "organisation": person.organisation, "email": person.email,
            "phone": person.phone, "links": set(person.links), "research_areas": set(person.areas),
        }  # fmt: skip
        found = {**lead, "links": set(lead["links"]), "research_areas": set(lead["research_areas"])}
        wrong.update(field for field, value in truth.items() if found[field] != value)
        assert lead["sources"].keys() == {field for field in truth if lead[field]}
        assert lead["orcid"] == next((link for link in person.links if "orcid" in link), None)
    assert wrong.total() <= 0.05 * 7 * len(everyone), wrong

    rows = {row["url"]: row for row in lines(enrich.out / "discovery_output.jsonl")}
    reasons = {url: row["discovery_metadata"].get("no_profile") for url, row in rows.items()}
    assert all(reasons[f"http://{HOST}/people/category/{name}"] for name in faculty.CATEGORIES)
    assert all(reasons[f"http://{HOST}/research/{name}"] for name in faculty.FIELDS)
    seconds = [row["discovery_metadata"] for url, row in rows.items() if url.endswith("/publications")]
    assert {second["duplicate_of"] in leads for second in seconds} == {True}

    settings = Settings()
    taken = list(new_leads([resolve(str(enrich.out / "profiles.jsonl"))], make_provider(settings), settings.leads, 0))
    assert {lead.kind for lead in taken} == {None}
    assert len({lead.key for lead in taken}) == 60
    assert enrich.refused("verify", enrich.out).code == 0
    (enrich.out / "profiles.jsonl").unlink()
    assert enrich.refused("merge", enrich.out).code == 0
    assert len(lines(enrich.out / "profiles.jsonl")) == 60
