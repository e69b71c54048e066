"""Settings: what they refuse, in which words, and that their example file tells the truth."""

from pathlib import Path

import pytest
from pydantic_settings import DotEnvSettingsSource

from models.settings import BadSettings, Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"

PRODUCTION = {
    "env": "production",
    "secret_key": "a-secret-of-more-than-thirty-two-characters",
    "encryption_keys": "b3VyLW93bi1rZXktb2YtMzItYnl0ZXMtZm9yLXRlc3Q=",
    "database_url": "postgresql+psycopg2://ws_staff@db/weokto",
    "database_member_url": "postgresql+psycopg2://ws_member@db/weokto",
    "redis_url": "redis://redis",
    "public_url_weokto": "https://weokto.com",
    "public_url_stam": "https://be-stam.com",
    "pcivault_base_url": "https://api.pcivault.io",
    "pcivault_password": "ours",
    "pcivault_key_passphrase": "ours",
    "psp_base_url": "https://api.stripe.com",
    "psp_secret_key": "sk_live_ours",
    "psp_card_key": "rk_live_ours",
    "psp_webhook_secret": "whsec_ours",
    "resend_api_key": "re_ours",
    "company_iban": "FR1420041010050500013M02606",
}


@pytest.fixture(autouse=True)
def _no_outside_settings(tmp_path, monkeypatch):
    """Neither this machine's environment nor a .env of the clone counts here."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


class TestExample:
    def test_names_every_setting_once(self):
        lines = EXAMPLE.read_text("utf-8").splitlines()
        names = [line.split("=", 1)[0] for line in lines if line and not line.startswith("#")]

        assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)

    def test_holds_the_defaults(self):
        assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)


class TestRefusals:
    def test_an_unknown_name_is_told(self, tmp_path):
        (tmp_path / ".env").write_text("COLOUR=blue\n")

        with pytest.raises(BadSettings, match=r"COLOUR: no such setting; \.env\.example"):
            load_settings()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "eighty"),
            ("PORT", "0"),
            ("VAT_RATE", "20"),
            ("VAT_RATE", "0.20001"),
            ("ENV", "staging"),
            ("OWNER_CONSOLE_PATH", "../admin"),
            ("WITHDRAWAL_RIGHT_DAYS", "7"),
            ("COMPANY_IBAN", "FR7630006000011234567890188"),
            ("COMPANY_BIC", "nowhere"),
            ("SEPA_SCHEMA", "pain.008.001.02"),
            ("DUNNING_DAYS", "7,2"),
            ("DUNNING_DAYS", "soon"),
            ("LOG_LEVEL", "LOUD"),
            ("SENTRY_DSN", "https://sentry.example/1"),
        ],
    )
    def test_a_malformed_value_is_one_line_that_names_it(self, monkeypatch, name, value):
        monkeypatch.setenv(name, value)

        with pytest.raises(BadSettings) as refusal:
            load_settings()

        assert str(refusal.value).startswith(f"{name}: ")
        assert "\n" not in str(refusal.value)

    def test_lists_are_comma_separated(self, monkeypatch):
        monkeypatch.setenv("STAM_HOSTS", "be-stam.com, www.be-stam.com,")

        assert load_settings().stam_hosts == ("be-stam.com", "www.be-stam.com")


BIC_OF_ANOTHER_BANK = "COMPANY_BIC is of another bank than COMPANY_IBAN"


class TestDebtorBic:
    @pytest.mark.parametrize(
        ("iban", "said", "bic"),
        [
            ("FR1420041010050500013M02606", "", "PSSTFRPP"),
            ("FR1420041010050500013M02606", "PSSTFRPPPAR", "PSSTFRPPPAR"),
            ("FR7699999000011234567890152", "", ""),
            ("", "", ""),
        ],
    )
    def test_is_as_set_or_that_of_the_iban(self, iban, said, bic):
        assert Settings(_env_file=None, company_iban=iban, company_bic=said).debtor_bic == bic


class TestProduction:
    @pytest.mark.parametrize(
        ("iban", "bic"),
        [
            ("FR1420041010050500013M02606", "PSSTFRPPPAR"),
            ("FR1420041010050500013M02606", "ABCDREABXXX"),  # its country is one with France's
            ("FR1420041010050500013M02606", "ABCDFRABXXX"),  # not known of any account
            ("FR7699999000011234567890152", "AGRIFRPPXXX"),
        ],
    )
    def test_takes_a_bic_that_may_be_the_accounts(self, iban, bic):
        own = {**PRODUCTION, "company_iban": iban, "company_bic": bic}
        assert Settings(_env_file=None, **own).debtor_bic == bic

    @pytest.mark.parametrize("bic", ["AGRIFRPPXXX", "COBADEFFXXX"])
    def test_refuses_a_bic_of_another_bank_or_country(self, monkeypatch, bic):
        for key, good in {**PRODUCTION, "company_bic": bic}.items():
            monkeypatch.setenv(key.upper(), good)

        with pytest.raises(BadSettings, match=BIC_OF_ANOTHER_BANK):
            load_settings()

    def test_starts_with_its_own_of_everything(self):
        assert Settings(_env_file=None, **PRODUCTION).is_production

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("secret_key", "development-only-secret-never-in-production"),
            ("secret_key", "short"),
            ("encryption_keys", "ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMtISE="),
            ("database_url", ""),
            ("database_member_url", ""),
            ("redis_url", ""),
            ("public_url_weokto", "http://weokto.com"),
            ("pcivault_base_url", ""),
            ("psp_secret_key", "sk_test_sandbox"),
            ("psp_card_key", ""),
            ("psp_card_key", "sk_live_ours"),
            ("psp_webhook_secret", "whsec_sandbox"),
            ("resend_api_key", ""),
            ("company_iban", "FR7630006000011234567890189"),
        ],
    )
    def test_refuses_a_default_or_a_sandbox(self, monkeypatch, name, value):
        for key, good in {**PRODUCTION, name: value}.items():
            monkeypatch.setenv(key.upper(), good)

        with pytest.raises(BadSettings) as refusal:
            load_settings()

        assert name.upper() in str(refusal.value)


def test_the_example_is_read_as_the_settings_read_it():
    """The file's own syntax holds: a source of the same kind finds every value in it."""
    read = DotEnvSettingsSource(Settings, env_file=EXAMPLE)()

    assert set(read) == set(Settings.model_fields)
