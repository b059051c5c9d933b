"""The settings themselves: one frozen model a group, each field with its type, range and default.

config/default.yml says what each key means and in which unit; the names carry the unit too (`_s` seconds, `_bytes`
bytes). 0 means "no limit" for a `Count`, `ByteCount` or `Seconds` that limits something, unless default.yml says
otherwise; where no limit would break a promise of the engine (a body without a cap, a request without an end), the
type is a positive one.
"""

from __future__ import annotations

# ruff: noqa: TC001 - pydantic evaluates the annotations of its models when they are defined
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo  # noqa: TC002 - pydantic reads the annotation at run time

from engine import __version__
from engine.settings.values import (
    ApiUrl,
    Auth,
    AutoCount,
    ByteCount,
    CallbackUrl,
    ConnectToText,
    Cookies,
    Count,
    Domain,
    Factor,
    Headers,
    ListenAddress,
    MediaType,
    Nameserver,
    Network,
    Pattern,
    PositiveByteCount,
    PositiveCount,
    PositiveSeconds,
    Proxy,
    Rate,
    Seconds,
    Share,
    SiteMatch,
    Struct,
    Switch,
    Text,
    UserAgent,
    VariableName,
)

_MIB: Final = 1024 * 1024

#: A page travels to the NLP pool in one frame, whose length ends at 1 GiB (engine.ipc.frames): half of it is ample.
_MAX_BODY_BYTES: Final = 512 * _MIB

#: Links followed from a seed, one after the other: no page that people reach is further.
_MAX_DEPTH: Final = 1000


class Group(BaseModel):
    """Frozen; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class RunSettings(Group):
    """The whole run: processes, memory, and when to give up the rest."""

    shards: AutoCount = "auto"
    nlp_processes: AutoCount = "auto"
    max_in_flight_pages: PositiveCount = 1000
    max_in_flight_bytes: PositiveByteCount = 256 * _MIB
    max_active_hosts: PositiveCount = 20_000
    stage: Literal["discovery", "validation", "enrichment"] = "enrichment"
    max_duration_s: Seconds = 0.0
    min_rate: Rate = 0.0
    grace_s: Seconds = 60.0
    max_urls_per_site: Count = 0


class InputSettings(Group):
    """How inputs are read."""

    url_column: Text = "url"
    priority_column: Text = "priority"
    limit: Count = 0


def default_user_agent(contact: str | None) -> str:
    """What a site operator reads in the log: the engine, its version, and whom to write to."""
    return f"enrich-engine/{__version__}" + (f" (+{contact})" if contact else "")


class FetchSettings(Group):
    """HTTP requests. `user_agent` is never "auto" once validated."""

    max_concurrency: PositiveCount = 200
    max_connecting: PositiveCount = 1000
    timeout_s: PositiveSeconds = 30.0
    connect_timeout_s: PositiveSeconds = 10.0
    max_body_bytes: Annotated[int, Field(strict=True, ge=1, le=_MAX_BODY_BYTES)] = 10 * _MIB
    max_redirects: Annotated[int, Field(strict=True, ge=0, le=100)] = 10
    contact: UserAgent | None = None  # stands before user_agent, which is made from it
    user_agent: UserAgent = "auto"
    headers: Headers = Field(default_factory=dict)
    cookies: Cookies = Field(default_factory=dict)
    cookie_jar: Switch = False
    proxy: Proxy | None = None
    nameservers: tuple[Nameserver, ...] = ()
    connect_to: tuple[ConnectToText, ...] = ()
    ca_file: Text | None = None
    verify_tls: Switch = True
    keepalive_s: Seconds = 15.0

    @field_validator("user_agent", mode="before")
    @classmethod
    def _fill_user_agent(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - whatever a file or a flag holds
        return default_user_agent(info.data.get("contact")) if value == "auto" else value


class PolitenessSettings(Group):
    """What a site bears: the least pause between requests, limits, robots.txt."""

    delay_s: Seconds = 1.0
    jitter: Share = 0.1
    max_per_host: Count = 1
    max_per_site: Count = 8
    max_per_ip: Count = 0
    obey_robots: Switch = True
    obey_page_directives: Switch = False
    max_crawl_delay_s: Seconds = 60.0
    max_retry_after_s: Seconds = 300.0
    max_pauses: PositiveCount = 5


class SiteRule(Group):
    """What differs for the hosts that `match` names; None = as everywhere."""

    match: SiteMatch
    delay_s: Seconds | None = None
    max_per_host: Count | None = None
    max_per_site: Count | None = None
    headers: Headers = Field(default_factory=dict)
    auth: Auth | None = None
    skip: Switch = False


class AimdSettings(Group):
    """The adaptive limit of requests at once."""

    initial: PositiveCount = 10
    min: PositiveCount = 2
    max: AutoCount = "auto"
    slow_start: Switch = True
    increase: PositiveCount = 2
    interval_s: PositiveSeconds = 5.0
    decrease: Factor = 0.5
    target_success: Share = 0.95
    window: PositiveCount = 100

    @model_validator(mode="after")
    def _min_not_above_max(self) -> AimdSettings:
        if self.max != "auto" and self.min > self.max:
            message = f"aimd.min, which is {self.min}, must not be above aimd.max, which is {self.max}"
            raise PydanticCustomError("between_keys", message, {"keys": ["aimd.min", "aimd.max"]})
        return self


class BreakerSettings(Group):
    """The circuit breaker of a host."""

    failure_threshold: PositiveCount = 5
    success_threshold: PositiveCount = 2
    cooldown_s: Seconds = 60.0
    max_cooldown_s: Seconds = 900.0
    max_failed_probes: PositiveCount = 4


class RetrySettings(Group):
    """A URL's further attempts."""

    max_attempts: PositiveCount = 3
    base_delay_s: Seconds = 1.0
    max_delay_s: Seconds = 60.0
    rate_limit_delay_s: Seconds = 5.0
    jitter: Share = 0.1


class GuardSettings(Group):
    """Which addresses may be connected to."""

    allow_private_addresses: Switch = False
    allow_networks: tuple[Network, ...] = ()
    refuse_networks: tuple[Network, ...] = ()


class CacheSettings(Group):
    """Pages kept on disk between runs. `dir` None: the user's cache folder."""

    enabled: Switch = False
    dir: Text | None = None
    max_bytes: ByteCount = 1024 * _MIB


class ExtractSettings(Group):
    """Bytes to text."""

    extractor: Literal["fast", "careful", "none"] = "fast"
    max_text_length: Count = 20_000
    predefined_tags: tuple[Text, ...] = ()
    content_types: tuple[MediaType, ...] = ()
    pdf_max_pages: Count = 100
    image_location: bool = False


class NlpSettings(Group):
    """Text to entities, keywords and summary. A named pipeline is looked for when the pool starts, not here."""

    pipeline: Text = "builtin"
    use_transformers: Switch = False
    ner_model: Text = "dslim/bert-base-NER"
    summarizer_model: Text = "sshleifer/distilbart-cnn-12-6"
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:[0-9]+)?)$")] = "auto"
    top_keywords: Count = 15
    summary_max_chars: Count = 500
    batch_pages: PositiveCount = 16
    timeout_s: PositiveSeconds = 30.0
    max_process_memory_bytes: ByteCount = 1024 * _MIB


class OutputSettings(Group):
    """The rows' files."""

    format: Literal["jsonl"] = "jsonl"
    compression: Literal["none", "gz", "zst"] = "none"
    order: Literal["completion", "input"] = "completion"
    merge: Literal["auto", "never"] = "auto"
    mark_duplicates: Switch = False
    commit_rows: PositiveCount = 500


class DiscoverySettings(Group):
    """Stage 1: which found URLs are followed, and how far."""

    scope: Literal["site", "host", "path"] = "site"
    allowed_domains: tuple[Domain, ...] = ()
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    max_depth: Annotated[int, Field(strict=True, ge=0, le=_MAX_DEPTH)] = 10
    max_pages_per_site: PositiveCount = 10_000
    sitemaps: Switch = True
    feeds: Switch = True
    profiles: Switch = False
    max_sitemap_bytes: Annotated[int, Field(strict=True, ge=1, le=_MAX_BODY_BYTES)] = 50 * _MIB


class ValidationSettings(Group):
    """Stage 2: what makes a URL usable."""

    content_types: tuple[MediaType, ...] = ()
    max_content_length: ByteCount = 0
    probe_bytes: PositiveByteCount = 64 * 1024


class PipelineSettings(Group):
    """The files of `enrich pipeline`. Paths are relative to `data_dir`, which is so to the working folder."""

    data_dir: Text = "data"
    seeds: Text = "raw"
    discovery_output: Text | None = None
    validation_output: Text | None = None
    enrichment_output: Text | None = None


class LeadsSettings(Group):
    """Facts about people and companies through an asynchronous provider. `base_url` None: the provider's own."""

    provider: Literal["sixtyfour", "rowbatch"] = "sixtyfour"
    base_url: ApiUrl | None = None
    api_key_env: VariableName = "SIXTYFOUR_API_KEY"
    path: Text = "enrich-lead-async"
    struct: Struct = Field(default_factory=dict)
    map: dict[Text, Text] = Field(default_factory=dict)
    required: tuple[Text, ...] = ()
    options: dict[Text, Any] = Field(default_factory=dict)
    max_jobs: Count = 0
    max_cost_cents: Rate = 0.0
    requests_per_minute: Count = 500
    first_poll_s: PositiveSeconds = 60.0
    poll_s: PositiveSeconds = 10.0
    max_poll_s: PositiveSeconds = 60.0
    job_timeout_s: PositiveSeconds = 900.0
    webhook_listen: ListenAddress | None = None
    webhook_url: CallbackUrl | None = None
    webhook_secret_env: VariableName = "SIXTYFOUR_WEBHOOK_SECRET"  # noqa: S105 - its name only
    min_success_rate: Share = 0.0
    success_window: PositiveCount = 50
    alert_command: Text | None = None
    resubmit_uncertain: Switch = False

    @model_validator(mode="after")
    def _listen_where_called(self) -> LeadsSettings:
        if (self.webhook_listen is None) != (self.webhook_url is None):
            message = "leads.webhook_listen and leads.webhook_url must be given together: where to listen, and the URL"
            keys = ["leads.webhook_listen", "leads.webhook_url"]
            raise PydanticCustomError("between_keys", f"{message} that leads there", {"keys": keys})
        return self


class Settings(Group):
    """All groups. `model_validate(settings.model_dump(mode="json"))` gives an equal object: so children get it."""

    run: RunSettings = Field(default_factory=RunSettings)
    input: InputSettings = Field(default_factory=InputSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    politeness: PolitenessSettings = Field(default_factory=PolitenessSettings)
    sites: tuple[SiteRule, ...] = ()
    aimd: AimdSettings = Field(default_factory=AimdSettings)
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    retry: RetrySettings = Field(default_factory=RetrySettings)
    guard: GuardSettings = Field(default_factory=GuardSettings)
    cache: CacheSettings = Field(default_factory=CacheSettings)
    extract: ExtractSettings = Field(default_factory=ExtractSettings)
    nlp: NlpSettings = Field(default_factory=NlpSettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
    discovery: DiscoverySettings = Field(default_factory=DiscoverySettings)
    validation: ValidationSettings = Field(default_factory=ValidationSettings)
    pipeline: PipelineSettings = Field(default_factory=PipelineSettings)
    leads: LeadsSettings = Field(default_factory=LeadsSettings)

    @field_validator("sites")
    @classmethod
    def _one_rule_a_match(cls, rules: tuple[SiteRule, ...]) -> tuple[SiteRule, ...]:
        seen: set[str] = set()
        for rule in rules:
            if rule.match in seen:
                raise ValueError(f"must have one rule for {rule.match}, not two")
            seen.add(rule.match)
        return rules


def known_keys() -> tuple[str, ...]:
    """Every key as users write it, in order: "run.shards", ..., "sites", ..., "leads.resubmit_uncertain"."""
    keys: list[str] = []
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, Group):
            keys += [f"{name}.{key}" for key in group.model_fields]
        else:
            keys.append(name)
    return tuple(keys)
