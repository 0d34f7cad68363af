"""Settings: read from arguments and variables, refused by name, secret where they are secrets, and documented."""

from dataclasses import fields
from pathlib import Path

import pytest

from sojourn.settings import PREFIX, READERS, SettingInvalid, Settings, read_settings

SECRETS = {
    "SOJOURN_API_TOKEN": "token-token-token-token",
    "SOJOURN_DATABASE_URL": "postgresql://ada:db-password@db/sojourn",
    "SOJOURN_JWT_SECRET": "jwt-secret-jwt-secret-jwt-secret-jwt",
    "SOJOURN_OWNER_PASSWORD": "owner-password",
    "SOJOURN_SMTP_URL": "smtp://ada:mail-password@mail.example:587",
}


def test_nothing_given_is_a_whole_server() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"SOJOURN_PORT": "", "HOME": "/"}) == Settings()


def test_every_setting_can_be_read() -> None:
    assert {each.name for each in fields(Settings)} == set(READERS)


def test_an_argument_goes_before_its_variable() -> None:
    settings = read_settings({"SOJOURN_PORT": "9000", "SOJOURN_HOST": "::1"}, port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "::1")


def test_the_environment_of_settings_gives_the_same_settings() -> None:
    given = {**SECRETS, "SOJOURN_ROLES": "delivery,api", "SOJOURN_ALLOWED_NETWORKS": "10.0.0.0/8, 192.168.0.0/16"}
    settings = read_settings(given, data_dir=Path("/srv/sojourn"), shards=128)
    assert settings.roles == ("api", "delivery")
    assert settings.allowed_networks == ("10.0.0.0/8", "192.168.0.0/16")
    assert read_settings(settings.environment()) == settings


def test_secrets_are_not_shown() -> None:
    shown = repr(read_settings(SECRETS))
    for value in SECRETS.values():
        assert value not in shown
    assert "password" not in shown.replace("owner_password", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOJOURN_ALLOWED_NETWORKS", "everywhere"),
        ("SOJOURN_API_TOKEN", "short"),
        ("SOJOURN_APPLICATION_CODE", "aaaaa-bbbbb"),
        ("SOJOURN_DATABASE_URL", "mysql://db"),
        ("SOJOURN_ENGINE_WORKERS", "0"),
        ("SOJOURN_GRPC_PORT", "65536"),
        ("SOJOURN_JWT_SECRET", "x" * 31),
        ("SOJOURN_LOG_FORMAT", "xml"),
        ("SOJOURN_OWNER_EMAIL", "ada"),
        ("SOJOURN_PORT", "-1"),
        ("SOJOURN_ROLES", "api,cook"),
        ("SOJOURN_ROLES", ","),
        ("SOJOURN_SHARDS", "1025"),
        ("SOJOURN_SMTP_URL", "http://mail.example"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name) as refused:
        read_settings({name: value})
    if name in SECRETS and name != "SOJOURN_DATABASE_URL":
        assert value not in refused.value.text


def test_a_bad_argument_is_refused_by_name() -> None:
    with pytest.raises(SettingInvalid, match="--grpc-port"):
        read_settings({}, grpc_port=70000)


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "running.md").read_text()
    documented = {line.split("`")[1] for line in text.splitlines() if line.startswith(f"| `{PREFIX}")}
    assert documented == {PREFIX + name.upper() for name in READERS}
