"""From settings to the parts of the work; what can be refused before anything is paid for is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import UsageError
from engine.policy.aimd import AimdRules, ShardLimit
from engine.policy.breaker import Breaker, BreakerRules
from engine.policy.polls import PollRules
from engine.policy.rate_budget import RateBudget
from engine.policy.retry import RetryRules
from engine.policy.spending import Limits
from engine.providers import rowbatch, sixtyfour
from engine.providers.caller import HttpCaller, Key
from engine.providers.gate import Gate, PauseRules
from engine.providers.shape import ShapedProvider
from engine.providers.terms import WorkRules
from engine.providers.webhook import callback_url
from engine.settings import nearest, resolve_auto

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.providers.shape import Endpoint, Shape
    from engine.settings import Settings


class Known(NamedTuple):
    """A provider: its table, and what is not in answers."""

    shape: Shape
    base_url: str | None  # None: the user's to say
    key_header: str
    signature_header: str
    event_header: str


PROVIDERS: Final[Mapping[str, Known]] = {
    "sixtyfour": Known(
        sixtyfour.SHAPE,
        sixtyfour.BASE_URL,
        sixtyfour.KEY_HEADER,
        sixtyfour.SIGNATURE_HEADER,
        sixtyfour.EVENT_HEADER,
    ),
    "rowbatch": Known(rowbatch.SHAPE, None, "x-api-key", "Rowbatch-Signature", "Rowbatch-Event-Id"),
}

#: An answer to a submit that gives an id takes seconds; one that gives the result, as long as the job.
_SUBMIT_TIMEOUT_S: Final = 60.0

#: Requests are noted on disk before they are made, a twentieth of a minute's at a time.
_LEASES: Final = 20


def make_provider(settings: Settings) -> ShapedProvider:
    """The adapter for leads.provider and leads.path. Raises UsageError where a setting does not fit the call."""
    leads = settings.leads
    shape = PROVIDERS[leads.provider].shape
    name = leads.path.strip("/")
    if name not in shape.endpoints:
        guess = nearest(name, shape.endpoints)
        hint = f"did you mean {guess}?" if guess else f"it has {', '.join(shape.endpoints)}"
        raise UsageError(f"leads.path: {leads.provider} has no call {leads.path!r}: {hint}")
    endpoint = shape.endpoints[name]
    _check_body(settings, name, endpoint)
    return ShapedProvider(
        shape,
        name,
        leads.struct,
        leads.options,
        leads.required,
        submit_timeout_s=leads.job_timeout_s if endpoint.sync else _SUBMIT_TIMEOUT_S,
    )


def _check_body(settings: Settings, name: str, endpoint: Endpoint) -> None:
    leads = settings.leads
    for option in leads.options:
        if option not in endpoint.options:
            guess = nearest(option, endpoint.options)
            hint = f"did you mean {guess}?" if guess else f"it takes {', '.join(sorted(endpoint.options)) or 'none'}"
            raise UsageError(f"leads.options: {name} takes no {option!r}: {hint}")
    if leads.struct and not endpoint.struct:
        raise UsageError(f"leads.struct: {name} takes none: its answer has fields of its own")
    for field in endpoint.required:
        if field == "struct" and not leads.struct:
            raise UsageError(f"leads.struct must say which facts are asked for: {name} needs it")
        if field != "struct" and field not in leads.options:
            raise UsageError(f"leads.options must have {field}: {name} needs it")


def base_url(settings: Settings) -> str:
    """Where the provider answers. Raises UsageError where nobody said."""
    found = settings.leads.base_url or PROVIDERS[settings.leads.provider].base_url
    if found is None:
        raise UsageError(f"leads.base_url must say where {settings.leads.provider} answers")
    return found


def api_key(settings: Settings, environ: Mapping[str, str]) -> Key:
    """The key, from the environment. Raises UsageError naming the variable."""
    name = settings.leads.api_key_env
    value = environ.get(name, "").strip()
    if not value:
        raise UsageError(f"{name} is not set: it must hold the provider's API key (leads.api_key_env names it)")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(f"{name} holds no API key: it has characters that no header can carry")
    return Key(value)


def webhook_secret(settings: Settings, environ: Mapping[str, str]) -> bytes | None:
    """The secret that calls are signed with; None where there is none."""
    return environ.get(settings.leads.webhook_secret_env, "").strip().encode() or None


def make_caller(settings: Settings, key: Key) -> HttpCaller:
    """The HTTP edge; to be made inside the loop."""
    return HttpCaller(base_url(settings), PROVIDERS[settings.leads.provider].key_header, key, settings.fetch)


def make_gate(settings: Settings, minute_s: float, spent: int, now: float) -> Gate:
    """The gate of all requests; `spent` of the budget are an earlier process's."""
    settings = resolve_auto(settings, cores=1)
    aimd, breaker, retry = settings.aimd, settings.breaker, settings.retry
    budget = RateBudget(settings.leads.requests_per_minute, minute_s)
    budget.spend(spent, now)
    most = aimd.max if isinstance(aimd.max, int) else settings.fetch.max_concurrency
    return Gate(
        budget,
        ShardLimit(
            AimdRules(
                initial=aimd.initial,
                min=aimd.min,
                max=most,
                slow_start=aimd.slow_start,
                increase=aimd.increase,
                interval_s=aimd.interval_s,
                decrease=aimd.decrease,
                target_success=aimd.target_success,
                window=aimd.window,
            ),
            now,
        ),
        Breaker(
            BreakerRules(
                breaker.failure_threshold,
                breaker.success_threshold,
                breaker.cooldown_s,
                breaker.max_cooldown_s,
                breaker.max_failed_probes,
            )
        ),
        PauseRules(
            RetryRules(
                retry.max_attempts, retry.base_delay_s, retry.max_delay_s, retry.rate_limit_delay_s, retry.jitter
            ),
            minute_s,
            settings.politeness.max_retry_after_s,
            settings.politeness.max_pauses,
        ),
    )


def make_rules(settings: Settings, minute_s: float) -> WorkRules:
    """What the work is told of the settings."""
    leads = settings.leads
    hook = leads.webhook_url
    limit = leads.requests_per_minute
    return WorkRules(
        PollRules(leads.first_poll_s, leads.poll_s, leads.max_poll_s, leads.job_timeout_s),
        Limits(leads.max_jobs, leads.max_cost_cents),
        None if hook is None else lambda mark: callback_url(hook, mark),
        minute_s,
        max(1, limit // _LEASES) if limit else 0,
    )


def fingerprint(settings: Settings) -> dict[str, Any]:
    """What a started folder goes on with only: what is asked of whom, about which rows, and how rows are written."""
    dump = settings.model_dump(mode="json")
    leads = ("provider", "path", "struct", "map", "required", "options")
    return {
        **{f"leads.{key}": dump["leads"][key] for key in leads},
        "leads.base_url": settings.leads.base_url or PROVIDERS[settings.leads.provider].base_url,
        "output.compression": dump["output"]["compression"],
    }
