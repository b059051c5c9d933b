"""An NLP child: the target of the processes that the supervisor starts.

Started from a forkserver that has imported :mod:`engine.nlp.preload`, or by spawn. Exit codes: 0 it asks to be
replaced (or the supervisor is gone); an :class:`engine.errors.ExitCode` for what the user can mend, said on stderr.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.nlp.models.client import ModelClient
from engine.nlp.process import prepare_process, serve
from engine.observe.logs import get_logger
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.model.plan import NlpConfig
    from engine.nlp.page import Worker


def child_main(config: NlpConfig) -> None:
    """Be the child `config.child` until it is time to be replaced. config.life_fd is open in this process."""
    prepare_process(config)
    settings = Settings.model_validate(config.settings)
    try:
        worker = _worker(config, settings)
    except EngineError as error:
        get_logger(__name__).error(str(error))
        sys.exit(int(error.exit_code))
    serve(config, settings, worker)


def _worker(config: NlpConfig, settings: Settings) -> Worker:
    """What the stage asks for; each imports a good deal that the other has no use for."""
    if settings.run.stage == "discovery":
        from engine.nlp.outline import OutlineWorker  # noqa: PLC0415 - see above

        return OutlineWorker(settings)
    from engine.nlp.worker import PageWorker  # noqa: PLC0415 - see above

    models = ModelClient(config, settings.nlp) if settings.nlp.use_transformers else None
    return PageWorker(settings, models=models)
