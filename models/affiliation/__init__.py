"""Affiliation: clicks, whose visitor a buyer is, and what that earns."""

from models.affiliation import on_closing, on_purchase, on_refund, on_role_change
from models.affiliation.attribution import Attribution, standing_attribution
from models.affiliation.boost import (
    BoostCode,
    BoostProduct,
    BoostRedemption,
    BoostScope,
    BoostType,
    RedemptionStatus,
)
from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.fraud_flag import FlagKind, FraudFlag
from models.affiliation.lock_rule import LockProfile, LockRule, LockRuleVersion, rules_in_force
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts import (
    BatchStatus,
    SepaBatch,
    Withdrawal,
    WithdrawalAllocation,
    WithdrawalStatus,
)
from models.affiliation.profile import (
    AffiliateProfile,
    RiskLevel,
    RiskLevelChange,
    affiliate_by_slug,
)
from models.affiliation.program import AffiliateProgram, RateType, program_of
from models.affiliation.tracking_event import TrackingEvent, click_by_id

__all__ = [
    "AffiliateProfile",
    "AffiliateProgram",
    "Attribution",
    "BatchStatus",
    "BoostCode",
    "BoostProduct",
    "BoostRedemption",
    "BoostScope",
    "BoostType",
    "Commission",
    "CommissionStatus",
    "FlagKind",
    "FraudFlag",
    "LockProfile",
    "LockRule",
    "LockRuleVersion",
    "PayoutMethod",
    "RateType",
    "RedemptionStatus",
    "RiskLevel",
    "RiskLevelChange",
    "SepaBatch",
    "TrackingEvent",
    "Withdrawal",
    "WithdrawalAllocation",
    "WithdrawalStatus",
    "affiliate_by_slug",
    "click_by_id",
    "on_closing",
    "on_purchase",
    "on_refund",
    "on_role_change",
    "program_of",
    "rules_in_force",
    "standing_attribution",
]
