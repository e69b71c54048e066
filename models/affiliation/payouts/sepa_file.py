"""The credit-transfer file for the bank: pain.001, checked against its schema before it leaves.

Addresses are left out, as SEPA allows inside the zone: those written in free lines are
refused since November 2026.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError, try_valid_xml

from models import clock
from models.affiliation.payouts.edit_payout_details import in_bank_letters
from models.errors import N_, DomainError
from models.money import CURRENCY
from models.settings import Settings

LONGEST_TEXT = 140
UNKNOWN_BANK = "<FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId>"
"""How SEPA has a file say that it does not name the debtor's bank, which the IBAN tells."""


class FileNotValid(DomainError):
    """The file would be refused by the bank: nothing is made."""

    code = "sepa_file_not_valid"
    message = N_("The payment file would not be accepted by the bank: %(detail)s")


@dataclass(frozen=True)
class Line:
    """One transfer: our identity for it (at most 35 characters), to whom, and cents."""

    end_to_end_id: str
    name: str
    iban: str
    amount: int
    text: str


def sepa_file(
    lines: Sequence[Line],
    *,
    message_id: str,
    execution_date: date,
    settings: Settings,
    now: datetime,
) -> str:
    """The file as XML. The same arguments give the same text. Raises FileNotValid.

    sepaxml reads the system's clock and draws identities at random; ours take their place.
    """
    debtor = {
        "name": in_bank_letters(settings.company_name),
        "IBAN": settings.company_iban,
        "batch": True,
        "currency": CURRENCY,
    }
    bic = settings.debtor_bic
    if bic:
        debtor["BIC"] = bic
    file = SepaTransfer(debtor, schema=settings.sepa_schema, clean=True)
    header = file._xml.find("CstmrCdtTrfInitn/GrpHdr")
    header.find("MsgId").text = message_id
    header.find("CreDtTm").text = f"{clock.paris(now):%Y-%m-%dT%H:%M:%S}"
    for line in lines:
        file.add_payment(
            {
                "name": in_bank_letters(line.name),
                "IBAN": line.iban,
                "amount": line.amount,
                "execution_date": execution_date,
                "description": in_bank_letters(line.text)[:LONGEST_TEXT],
                "endtoend_id": line.end_to_end_id,
            }
        )
    written = file.export(validate=False).decode()
    drawn = file._xml.find("CstmrCdtTrfInitn/PmtInf/PmtInfId").text
    xml: str = written.replace(f"<PmtInfId>{drawn}<", f"<PmtInfId>{message_id}<")
    if not bic:
        xml = re.sub(r"(<DbtrAgt>\s*)<FinInstnId ?/>", rf"\1{UNKNOWN_BANK}", xml)
    try:
        try_valid_xml(xml.encode(), settings.sepa_schema)
    except ValidationError as wrong:
        raise FileNotValid(detail=str(wrong.__cause__ or wrong)[:200]) from wrong
    return xml
