from __future__ import annotations

from engine.nlp.available import pipeline_version


def test_a_version_changes_with_what_a_pipeline_s_folder_says_of_itself(tmp_path):
    meta = tmp_path / "meta.json"
    meta.write_text('{"version": "1"}')
    before = pipeline_version(str(tmp_path))
    assert before != pipeline_version("builtin")
    assert before == pipeline_version(str(tmp_path))
    meta.write_text('{"version": "2"}')
    assert pipeline_version(str(tmp_path)) != before
    config = tmp_path / "one.cfg"
    config.write_text("[nlp]")
    assert pipeline_version(str(config)) != pipeline_version("builtin") == pipeline_version("none")
    assert pipeline_version("no_such_package") == pipeline_version("builtin")
