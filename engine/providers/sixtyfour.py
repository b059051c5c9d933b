"""Sixtyfour: people, companies, contacts and research, by the vendor's published description of 2026-05.

Every call exists in a form that waits for the result and one, with -async, that answers with an id at once; the
enrichment of people and companies also under newer names. A poll names the task `id`, a submit `task_id`; results of
older jobs lie at the top level of the answer. Costs are in US cents.
"""

from __future__ import annotations

from typing import Final

from engine.model.lead import LeadFailure
from engine.policy.lead import NAME_FIELDS, URL_FIELDS
from engine.providers.shape import Endpoint, Shape

BASE_URL: Final = "https://api.sixtyfour.ai"
KEY_HEADER: Final = "x-api-key"
SIGNATURE_HEADER: Final = "Sixtyfour-Signature"
EVENT_HEADER: Final = "Sixtyfour-Event-Id"

#: Without one of these there is nobody to look for.
_WHO: Final = (*NAME_FIELDS, "first_name", "last_name", "email", "phone", "linkedin", "linkedin_url", *URL_FIELDS)
_COMPANY: Final = ("name", "company", "company_name", "domain", "website", "url", "linkedin", "linkedin_url")
_MAX_BULK: Final = 100

_LEAD: Final = Endpoint(
    lead="lead_info",
    any_of=_WHO,
    options=frozenset({"research_plan", "max_iterations", "benchmark", "tier"}),
    person=True,
)
_COMPANY_CALL: Final = Endpoint(
    lead="target_company",
    required=("struct",),
    any_of=_COMPANY,
    options=frozenset(
        {
            "find_people", "people_focus_prompt", "lead_struct", "full_org_chart", "research_plan", "max_iterations",
            "tier",
        }
    ),
)  # fmt: skip
_QA: Final = Endpoint(
    lead="data",
    required=("qualification_criteria",),
    options=frozenset({"qualification_criteria", "references", "max_tool_calls"}),
)
_RESEARCH: Final = Endpoint(
    lead="input_data", required=("struct",), options=frozenset({"research_plan", "max_iterations"})
)
_EMAIL: Final = Endpoint(
    lead="lead",
    any_of=_WHO,
    options=frozenset({"verify_emails", "mode", "providers"}),
    struct=False,
    person=True,
)
_PHONE: Final = Endpoint(lead="lead", any_of=_WHO, options=frozenset({"providers"}), struct=False, person=True)


def _both(name: str, call: Endpoint) -> dict[str, Endpoint]:
    sync = Endpoint(
        call.lead, call.required, call.any_of, call.options, call.struct, call.person, sync=True, bulk=call.bulk
    )
    return {name: sync, f"{name}-async": call}


def _bulk(call: Endpoint) -> Endpoint:
    # The name of the list is not in the published description; "leads" is what its other bulk fields suggest.
    return Endpoint("leads", call.required, call.any_of, call.options, call.struct, call.person, bulk=_MAX_BULK)


SHAPE: Final = Shape(
    name="sixtyfour",
    endpoints={
        **_both("enrich-lead", _LEAD),
        **_both("people-intelligence", _LEAD),
        **_both("enrich-company", _COMPANY_CALL),
        **_both("company-intelligence", _COMPANY_CALL),
        **_both("qa-agent", _QA),
        **_both("research-agent", _RESEARCH),
        **_both("find-email", _EMAIL),
        **_both("find-email-bulk", _bulk(_EMAIL)),
        **_both("find-phone", _PHONE),
        **_both("find-phone-bulk", _bulk(_PHONE)),
    },
    # "continued_as_new" is not among them: the job goes on, so it is pending as any unknown status is.
    failed={
        "failed": LeadFailure.JOB_FAILED,
        "cancelled": LeadFailure.JOB_CANCELLED,
        "terminated": LeadFailure.JOB_CANCELLED,
        "timed_out": LeadFailure.JOB_TIMED_OUT,
    },
    costs=("charge_amount", "cost_cents", "result.cost_cents"),
    wrappers=(
        "id", "task_id", "run_id", "start_time", "close_time", "status", "charge_amount", "task_type", "cost_cents",
    ),
)  # fmt: skip
