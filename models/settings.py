"""Every setting, read once from the environment and ``.env``; ``.env.example`` explains each.

A malformed value, or an unknown one in ``.env``, stops the start with one line that names
the setting and how to set it. Production refuses what only development may have.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from cryptography.fernet import Fernet
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from models.bank_codes import bic_behind, contradicts

DEVELOPMENT_SECRET = "development-only-secret-never-in-production"
DEVELOPMENT_KEY = "ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMtISE="
SANDBOX_KEY = "sk_test_sandbox"
SAMPLE_IBAN = "FR7630006000011234567890189"
SAMPLE_SIREN = "000000000"
SANDBOX_OFFSET = 10
LONGEST_DAYS = 3650
"""Ten years: beyond it a number of days is a typing mistake."""

Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The whole configuration: amounts in cents, rates as fractions, delays as their names say."""

    model_config = SettingsConfigDict(env_file=".env", extra="forbid", frozen=True)

    env: Literal["development", "test", "production"] = "development"
    secret_key: str = DEVELOPMENT_SECRET
    encryption_keys: Names = (DEVELOPMENT_KEY,)
    port: int = Field(default=8000, ge=1, le=65000)
    data_dir: str = "var"

    database_url: str = ""
    database_member_url: str = ""
    database_owner_url: str = ""
    redis_url: str = ""
    pool_size: int = Field(default=10, ge=1, le=40)

    weokto_hosts: Names = ("weokto.localhost", "localhost", "127.0.0.1")
    stam_hosts: Names = ("stam.localhost",)
    public_url_weokto: str = ""
    public_url_stam: str = ""
    owner_console_path: str = Field(default="wo-renwo-9492xE", pattern=r"^[A-Za-z0-9-]{6,64}$")
    owner_email: str = "owner@weokto.localhost"

    pcivault_base_url: str = ""
    pcivault_user: str = "sandbox"
    pcivault_password: str = "sandbox"
    pcivault_key_user: str = "sandbox-key"
    pcivault_key_passphrase: str = "sandbox-passphrase"
    pcivault_form: str = "pcd"
    pcivault_rules: Names = ("strip",)
    psp_base_url: str = ""
    psp_secret_key: str = SANDBOX_KEY
    psp_card_key: str = ""
    psp_webhook_secret: str = "whsec_sandbox"
    psp_api_version: str = "2026-10-28.endive"
    psp_timeout_seconds: int = Field(default=20, ge=1, le=80)

    resend_base_url: str = "https://api.resend.com"
    resend_api_key: str = ""
    smtp_url: str = ""
    mail_from_weokto: str = "WEOKTO <bonjour@weokto.localhost>"
    mail_from_stam: str = "STAM <bonjour@stam.localhost>"

    webhooks_to_private_addresses: bool = False

    cron_secret: str = ""
    metrics_token: str = ""
    sentry_dsn: str = Field(default="", pattern=r"^(https?://\w+@[^/\s]+/(\S+/)?\d+)?$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "pretty"] = "auto"

    vat_rate: Decimal = Field(default=Decimal("0.20"), ge=0, lt=1, decimal_places=4)
    company_name: str = "WEOKTO SAS"
    company_address: str = "1 rue de la Paix, 75002 Paris, France"
    company_siren: str = SAMPLE_SIREN
    company_vat_number: str = ""
    company_email: str = "bonjour@weokto.localhost"
    company_iban: str = SAMPLE_IBAN
    company_bic: str = ""
    sepa_schema: Literal["pain.001.001.09", "pain.001.001.03"] = "pain.001.001.09"

    capture_minutes: int = Field(default=15, ge=1, le=60)
    withdrawal_right_days: int = Field(default=14, ge=14, le=LONGEST_DAYS)
    refund_within_days: int = Field(default=14, ge=1, le=14)
    consent_text_fr: str = ""
    consent_text_en: str = ""
    withdraw_text_fr: str = ""
    withdraw_text_en: str = ""
    confirm_withdrawal_text_fr: str = ""
    confirm_withdrawal_text_en: str = ""
    cancel_text_fr: str = ""
    cancel_text_en: str = ""
    cancel_link_hours: int = Field(default=24, ge=1, le=168)
    dunning_days: Names = ("2", "7", "14", "21")
    grace_days: int = Field(default=7, ge=0, le=LONGEST_DAYS)
    withdrawal_minimum: int = Field(default=5000, ge=0)
    withdrawal_fee_rate: Decimal = Field(default=Decimal("0.03"), ge=0, lt=1)
    referral_cookie_is_strictly_necessary: bool = False

    @field_validator(
        "weokto_hosts",
        "stam_hosts",
        "encryption_keys",
        "dunning_days",
        "pcivault_rules",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _keys_encrypt(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise ValueError("at least one key is needed (see .env.example)")
        for key in keys:
            Fernet(key)  # raises ValueError, saying what a key looks like
        return keys

    @field_validator("weokto_hosts", "stam_hosts")
    @classmethod
    def _names_know_no_case(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.lower() for host in hosts)

    @field_validator("company_iban", "company_bic")
    @classmethod
    def _is_an_account(cls, value: str, info: ValidationInfo) -> str:
        """The bank would refuse a whole payment file for a wrong debtor: refused at the start."""
        kind: type[IBAN] | type[BIC] = IBAN if info.field_name == "company_iban" else BIC
        try:
            return kind(value).compact if value else value
        except SchwiftyException as wrong:
            raise ValueError(f"not a valid {kind.__name__}: {wrong}") from None

    @field_validator("dunning_days")
    @classmethod
    def _days_follow_one_another(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        counted = [int(day) if day.isdecimal() else 0 for day in days]
        ordered = counted == sorted(set(counted))
        if not counted or 0 in counted or not ordered or counted[-1] > LONGEST_DAYS:
            raise ValueError("whole days after the first failure, ever later: 2,7,14,21")
        return days

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.env == "production":
            for problem in self._what_production_lacks():
                raise ValueError(problem)
            if self.company_bic and contradicts(self.company_bic, self.company_iban):
                raise ValueError(
                    "COMPANY_BIC is of another bank than COMPANY_IBAN; leave it empty to have "
                    "it found from the IBAN"
                )
        return self

    def _what_production_lacks(self) -> list[str]:
        wants = {
            "SECRET_KEY": self.secret_key not in ("", DEVELOPMENT_SECRET)
            and len(self.secret_key) >= 32,
            "ENCRYPTION_KEYS": DEVELOPMENT_KEY not in self.encryption_keys,
            "CRON_SECRET": not 0 < len(self.cron_secret) < 32,
            "METRICS_TOKEN": not 0 < len(self.metrics_token) < 32,
            "DATABASE_URL": bool(self.database_url),
            "DATABASE_MEMBER_URL": self.database_member_url not in ("", self.database_url),
            "REDIS_URL": bool(self.redis_url),
            "WEOKTO_HOSTS": _are_public(self.weokto_hosts),
            "STAM_HOSTS": _are_public(self.stam_hosts),
            "OWNER_EMAIL": _is_public(self.owner_email),
            "PUBLIC_URL_WEOKTO": self.public_url_weokto.startswith("https://"),
            "PUBLIC_URL_STAM": self.public_url_stam.startswith("https://"),
            "PCIVAULT_BASE_URL": self.pcivault_base_url.startswith("https://"),
            "PCIVAULT_USER": self.pcivault_user not in ("", "sandbox"),
            "PCIVAULT_PASSWORD": self.pcivault_password not in ("", "sandbox"),
            "PCIVAULT_KEY_USER": self.pcivault_key_user not in ("", "sandbox-key"),
            "PCIVAULT_KEY_PASSPHRASE": self.pcivault_key_passphrase
            not in ("", "sandbox-passphrase"),
            "PSP_BASE_URL": self.psp_base_url.startswith("https://"),
            "PSP_SECRET_KEY": bool(self.psp_secret_key) and "_test_" not in self.psp_secret_key,
            "PSP_CARD_KEY": self.psp_card_key.startswith("rk_live_"),
            "PSP_WEBHOOK_SECRET": self.psp_webhook_secret not in ("", "whsec_sandbox"),
            "MAIL_FROM_WEOKTO": _is_public(self.mail_from_weokto),
            "MAIL_FROM_STAM": _is_public(self.mail_from_stam),
            "COMPANY_SIREN": self.company_siren not in ("", SAMPLE_SIREN),
            "COMPANY_EMAIL": _is_public(self.company_email),
            "COMPANY_IBAN": self.company_iban not in ("", SAMPLE_IBAN),
            "WEBHOOKS_TO_PRIVATE_ADDRESSES": not self.webhooks_to_private_addresses,
            "RESEND_API_KEY or SMTP_URL": bool(self.resend_api_key or self.smtp_url),
        }
        return [
            f"{name} is missing, too short, a default or a sandbox's; production needs its own "
            f"(see .env.example)"
            for name, fine in wants.items()
            if not fine
        ]

    @property
    def encryption_key_list(self) -> tuple[str, ...]:
        """Fernet keys, newest first: the first encrypts, all decrypt."""
        return self.encryption_keys

    @property
    def debtor_bic(self) -> str:
        """The BIC of the account that payouts leave from: as set, else as known of the IBAN."""
        if self.company_bic or not self.company_iban:
            return self.company_bic
        return bic_behind(self.company_iban)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def sandbox_port(self) -> int:
        """The sandbox listens ten ports above the web process."""
        return self.port + SANDBOX_OFFSET

    def _sandbox(self, path: str) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}{path}"

    @property
    def vault_url(self) -> str:
        """PCI Vault's address without a final slash; the sandbox's where none is named."""
        return self.pcivault_base_url.rstrip("/") or self._sandbox("/vault/v1")

    @property
    def psp_url(self) -> str:
        """The PSP's address without its version; the sandbox's where none is named."""
        return self.psp_base_url.rstrip("/") or self._sandbox("/psp")

    @property
    def card_key(self) -> str:
        """The PSP's key that goes through the vault with each card; never production's own."""
        return self.psp_card_key or self.psp_secret_key

    @property
    def mailer_url(self) -> str:
        """Resend's address once it has a key; the sandbox's outbox until then."""
        return self.resend_base_url.rstrip("/") if self.resend_api_key else self._sandbox("/resend")


def _is_public(name: str) -> bool:
    """Whether a host or an address is one that others can reach: not this machine's own."""
    return bool(name) and not name.rstrip("> ").lower().endswith(".localhost")


def _are_public(hosts: tuple[str, ...]) -> bool:
    return bool(hosts) and all(_is_public(host) for host in hosts)


class BadSettings(Exception):
    """The configuration cannot be used; the text is one line for the terminal."""


_current: Settings | None = None


def load_settings() -> Settings:
    """Read the environment. Raises BadSettings with one clear line."""
    try:
        return Settings()
    except ValidationError as refusal:
        first = refusal.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = "no such setting; .env.example lists those that exist"
        raise BadSettings(f"{name}: {message}" if name else message) from None


def current_settings() -> Settings:
    """The settings of this process, read on first use."""
    global _current
    if _current is None:
        _current = load_settings()
    return _current


def use_settings(settings: Settings) -> None:
    """Replace this process's settings: at its start, in tests, and for a scenario's overrides."""
    global _current
    _current = settings
