from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.observe import faultpoint
from engine.settings import Flag, Settings, environment_file, load, load_again, parse_set, redacted, redacted_keys


@pytest.fixture
def write(tmp_path):
    def write(text, name="my.yml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_yield_to_files_files_to_the_environment_and_that_to_flags(write):
    first = write("fetch: {timeout_s: 1, max_redirects: 1, max_concurrency: 1, max_connecting: 1}", "a.yml")
    second = write("fetch: {timeout_s: 2, max_redirects: 2, max_concurrency: 2}", "b.yml")
    environ = {"ENRICH_FETCH__TIMEOUT_S": "3", "ENRICH_FETCH__MAX_REDIRECTS": "3", "HOME": "x"}
    loaded = load([first, second], environ, {"fetch.timeout_s": Flag("--timeout", "4", raw=True)})
    fetch = loaded.settings.fetch
    assert (fetch.timeout_s, fetch.max_redirects, fetch.max_concurrency, fetch.max_connecting) == (4, 3, 2, 1)
    assert loaded.origins["fetch.timeout_s"] == "--timeout"
    assert loaded.origins["fetch.max_redirects"] == "environment ENRICH_FETCH__MAX_REDIRECTS"
    assert loaded.origins["fetch.max_concurrency"] == str(second)
    assert loaded.origins["fetch.max_connecting"] == str(first)
    assert loaded.origins["fetch.keepalive_s"] == "default"


def test_set_reads_its_value_as_yaml_and_text_settings_take_it_as_it_stands():
    flags = parse_set(
        [
            'fetch.connect_to=["::127.0.0.1:8080"]',
            'sites=[{match: "*.Example.org", delay_s: 5}]',
            "politeness.obey_robots=false",
            "input.url_column=123",
            "fetch.user_agent=bot: 1 # not a comment",
            "fetch.contact=null",
            "run.shards=auto",
            "nlp.pipeline=none",
            'output.compression="gz"',
        ]
    )
    settings = load([], {}, flags).settings
    assert settings.fetch.connect_to == ("::127.0.0.1:8080",)
    assert settings.sites[0].match == "*.example.org"
    assert settings.sites[0].delay_s == 5
    assert settings.politeness.obey_robots is False
    assert settings.input.url_column == "123"
    assert settings.fetch.user_agent == "bot: 1 # not a comment"
    assert settings.fetch.contact is None
    assert settings.run.shards == "auto"
    assert settings.nlp.pipeline == "none"
    assert settings.output.compression == "gz"


@pytest.mark.parametrize(
    ("key", "guess"),
    [
        ("fetch.timout_s", "fetch.timeout_s"),
        ("fetch.delay_s", "politeness.delay_s"),
        ("politness.delay_s", "politeness.delay_s"),
        ("max_redirects", "fetch.max_redirects"),
        ("site", "sites"),
    ],
)
def test_an_unknown_key_is_refused_with_its_origin_and_the_nearest_one(key, guess):
    with pytest.raises(UsageError) as caught:
        load([], {}, parse_set([f"{key}=1"]))
    assert str(caught.value) == f"{key} is no setting (--set): did you mean {guess}?"


def test_an_unknown_key_of_a_file_names_the_file(write):
    path = write("fetch:\n  timout_s: 3\n")
    with pytest.raises(
        UsageError, match=r"fetch\.timout_s is no setting \(.*my\.yml\): did you mean fetch\.timeout_s\?"
    ):
        load([path], {}, {})
    with pytest.raises(UsageError, match=r"fetsh is no setting \(.*my\.yml\): did you mean fetch\?"):
        load([write("fetsh: {timeout_s: 3}")], {}, {})


def test_the_fault_point_of_tests_is_no_setting():
    assert load([], {faultpoint.VARIABLE: "anything"}, {}).settings == Settings()


def test_an_unknown_variable_of_our_prefix_is_refused():
    with pytest.raises(UsageError, match=r"ENRICH_FETCH__TIMOUT_S .* did you mean ENRICH_FETCH__TIMEOUT_S"):
        load([], {"ENRICH_FETCH__TIMOUT_S": "3"}, {})


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("fetch.timeout_s=abc", "fetch.timeout_s must be a number, not 'abc' (--set)"),
        ("fetch.timeout_s=", "fetch.timeout_s must be a number, not empty (--set)"),
        ("fetch.timeout_s=0", "fetch.timeout_s must be above 0.0, not 0 (--set)"),
        ("fetch.timeout_s=.inf", "fetch.timeout_s must be a finite number, not inf (--set)"),
        ("fetch.timeout_s=.nan", "fetch.timeout_s must be a finite number, not nan (--set)"),
        ("fetch.timeout_s=true", "fetch.timeout_s must be a number, not True (--set)"),
        ("fetch.max_concurrency=0", "fetch.max_concurrency must be at least 1, not 0 (--set)"),
        ("fetch.max_concurrency=1.5", "fetch.max_concurrency must be a whole number, not 1.5 (--set)"),
        ("fetch.max_concurrency='5'", "fetch.max_concurrency must be a whole number, not '5' (--set)"),
        ("fetch.verify_tls=1", "fetch.verify_tls must be true or false, not 1 (--set)"),
        ("fetch.nameservers=127.0.0.1", "fetch.nameservers must be a list, not '127.0.0.1' (--set)"),
        ("fetch.headers=[a]", "fetch.headers must be a mapping (--set)"),
        ("run.shards=0", "run.shards must be a whole number of at least 1, or auto (--set)"),
        ("aimd.decrease=1", "aimd.decrease must be below 1.0, not 1 (--set)"),
        ("aimd.decrease=0", "aimd.decrease must be above 0.0, not 0 (--set)"),
        ("politeness.jitter=1.1", "politeness.jitter must be at most 1.0, not 1.1 (--set)"),
        ("output.compression=zip", "output.compression must be 'none', 'gz' or 'zst', not 'zip' (--set)"),
        ("input.url_column= ", "input.url_column must not be empty (--set)"),
        ("sites=5", "sites must be a list, not 5 (--set)"),
        ("sites=[{delay_s: 5}]", "sites[0].match is missing (--set)"),
        (
            "sites=[{match: a.example, delay: 5}]",
            "sites[0].delay is no setting (--set): did you mean sites[0].delay_s?",
        ),
        ("sites=[{match: a.example, delay_s: -1}]", "sites[0].delay_s must be at least 0.0, not -1 (--set)"),
    ],
)
def test_a_wrong_value_is_refused_in_plain_words(assignment, sentence):
    with pytest.raises(UsageError) as caught:
        load([], {}, parse_set([assignment]))
    assert str(caught.value) == sentence


def test_several_wrong_values_are_counted():
    with pytest.raises(UsageError, match=r"must be a number, not 'a' \(--set\) \(and 1 more\)"):
        load([], {}, parse_set(["fetch.timeout_s=a", "politeness.delay_s=b"]))


def test_a_lower_bound_above_the_upper_names_both():
    with pytest.raises(UsageError) as caught:
        load([], {}, parse_set(["aimd.min=20", "aimd.max=10"]))
    assert str(caught.value) == "aimd.min, which is 20, must not be above aimd.max, which is 10 (--set)"
    with pytest.raises(UsageError, match=r"which is 1 \(default, --set\)"):
        load([], {}, parse_set(["aimd.max=1"]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fetch.proxy", "ftp://joe:hunter2@proxy.example"),
        ("fetch.headers", {"Authorization": "hunter2\n"}),
        ("fetch.headers", {"Authorization": 5, "X": "hunter2"}),
        ("fetch.cookies", {"session": "hunter2;"}),
        ("sites", [{"match": "a.example", "auth": "hunter2"}]),
    ],
)
def test_a_refusal_never_repeats_a_secret(key, value):
    with pytest.raises(UsageError) as caught:
        load([], {}, {key: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fetch: [1", "is not valid YAML"),
        ("fetch:\n  timeout_s: 3\n  timeout_s: 4\n", "line 3 is not valid YAML: timeout_s is there twice"),
        ("- a\n", "holds no settings"),
        ("just words\n", "holds no settings"),
        ("fetch: 5\n", "fetch must be a mapping of settings, not '5'"),
        ("fetch: {contact: 2026-13-45}\n", "cannot read"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("!!python/object:os.system {}", "not valid YAML"),
        ("fetch: {proxy: <redacted>}\n", "fetch.proxy holds <redacted>"),
        ("5: 6\n", "5 is no setting"),
    ],
)
def test_a_broken_file_is_one_sentence(write, text, sentence):
    with pytest.raises(UsageError) as caught:
        load([write(text)], {}, {})
    assert sentence in str(caught.value)
    assert "my.yml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    for path, sentence in ((tmp_path / "none.yml", "there is no such"), (tmp_path, "is a folder")):
        with pytest.raises(UsageError, match=sentence):
            load([path], {}, {})
    binary = tmp_path / "binary.yml"
    binary.write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(UsageError, match="not UTF-8"):
        load([binary], {}, {})


def test_an_empty_file_and_an_empty_group_set_nothing(write):
    assert load([write("# nothing\n")], {}, {}).settings == load([], {}, {}).settings
    assert load([write("fetch:\n  # timeout_s: 3\n")], {}, {}).settings == load([], {}, {}).settings


def test_a_certificate_file_must_be_there(tmp_path):
    with pytest.raises(UsageError, match=r"fetch\.ca_file must name a file"):
        load([], {}, {"fetch.ca_file": str(tmp_path / "ca.pem")})


def test_set_needs_a_key_and_a_value():
    with pytest.raises(UsageError, match=r"--set takes group\.key=value"):
        parse_set(["fetch.timeout_s"])


def test_an_environment_is_looked_up_here_first_then_in_the_package(tmp_path):
    packaged = environment_file("production", tmp_path)
    assert packaged.is_file()
    (tmp_path / "config").mkdir()
    mine = tmp_path / "config" / "production.yml"
    mine.write_text("fetch: {timeout_s: 7}\n", encoding="utf-8")
    assert environment_file("production", tmp_path) == mine
    with pytest.raises(UsageError, match="did you mean production"):
        environment_file("prodution", tmp_path)
    with pytest.raises(UsageError, match="there are development, production"):
        environment_file("../secrets", tmp_path)


class TestLoadAgain:
    """A resume: the manifest's settings, and over them only what the command says."""

    @staticmethod
    def manifest(**flags):
        settings = load([], {}, {key.replace("__", "."): value for key, value in flags.items()}).settings
        return {"settings": redacted(settings), "redacted": redacted_keys(settings)}

    def test_the_run_goes_on_with_its_settings_and_flags_override(self):
        manifest = self.manifest(fetch__timeout_s=7, politeness__delay_s=3)
        loaded = load_again(manifest, [], {"ENRICH_FETCH__TIMEOUT_S": "9"}, parse_set(["politeness.delay_s=5"]))
        assert loaded.settings.fetch.timeout_s == 7
        assert loaded.origins["fetch.timeout_s"] == "run.json"
        assert loaded.settings.politeness.delay_s == 5

    def test_secrets_must_be_given_again(self):
        manifest = self.manifest(
            fetch__proxy="http://u:p@proxy.example:3128",
            fetch__headers={"X-Key": "abc"},
            sites=[{"match": "a.example", "auth": "u:p", "delay_s": 5}],
        )
        with pytest.raises(UsageError, match=r"needs fetch\.proxy, fetch\.headers, sites\[0\]\.auth: give it again"):
            load_again(manifest, [], {}, {})
        environ = {"ENRICH_FETCH__PROXY": "http://u:p@proxy.example:3128"}
        flags = parse_set(["fetch.headers={X-Key: abc}", "sites=[{match: a.example, auth: 'u:p'}]"])
        settings = load_again(manifest, [], environ, flags).settings
        assert settings.fetch.proxy == "http://u:p@proxy.example:3128"
        assert settings.fetch.headers == {"X-Key": "abc"}
        assert settings.sites[0].auth == "u:p"

    def test_a_secret_can_be_given_up(self):
        manifest = self.manifest(fetch__proxy="http://u:p@proxy.example:3128")
        assert load_again(manifest, [], {}, parse_set(["fetch.proxy=null"])).settings.fetch.proxy is None

    def test_a_new_contact_makes_a_new_user_agent(self):
        manifest = self.manifest(fetch__contact="old@example.org")
        settings = load_again(manifest, [], {}, parse_set(["fetch.contact=new@example.org"])).settings
        assert "new@example.org" in settings.fetch.user_agent
