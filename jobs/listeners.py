"""Who listens to what: for each kind of event, the functions that bring about what follows.

A listener gets the session of the dispatch and the event, in a savepoint of its own, and
is called once for each event. It writes rows (a mail to send, a webhook to deliver) and
calls nobody outside. Every kind emitted anywhere is listed, be it with nobody.
"""

from jobs.alert_listeners import alert_job_failed, alert_ledger, alert_paid_twice
from jobs.mail_listeners import mail_commission, mail_receipt, mail_welcome
from jobs.webhook_listeners import tell_button
from models.oversight.dispatch import Listeners

LISTENERS: Listeners = {
    "accounts.magic_link_sent": (),
    "accounts.profile_edited": (),
    "accounts.role_changed": (),
    "accounts.second_factor_begun": (),
    "accounts.second_factor_enrolled": (),
    "accounts.second_factor_proved": (),
    "accounts.second_factor_refused": (),
    "accounts.second_factor_reset": (),
    "accounts.session_ended": (),
    "accounts.session_opened": (),
    "accounts.signed_in": (),
    "accounts.user_created": (),
    "accounts.user_reactivated": (),
    "accounts.user_suspended": (),
    "accounts.wrong_code": (),
    "affiliation.affiliate_joined": (),
    "affiliation.commission_clawed_back": (),
    "affiliation.commission_earned": (mail_commission,),
    "affiliation.commissions_matured": (),
    "affiliation.lock_rules_edited": (),
    "affiliation.program_created": (),
    "affiliation.program_edited": (),
    "affiliation.purchase_attributed": (),
    "affiliation.risk_changed": (),
    "billing.card_received": (),
    "billing.card_retried": (),
    "billing.checkout_begun": (),
    "billing.checkout_failed": (),
    "billing.invoice_paid": (mail_receipt, tell_button),
    "billing.paid_twice": (alert_paid_twice,),
    "billing.payment_declined": (),
    "billing.payment_failed": (),
    "billing.payment_needs_action": (),
    "billing.purchase_made": (mail_welcome, tell_button),
    "billing.subscription_ended": (),
    "catalog.access_closed": (),
    "catalog.access_opened": (),
    "catalog.button_created": (),
    "catalog.button_deleted": (),
    "catalog.button_edited": (),
    "catalog.community_created": (),
    "catalog.community_deleted": (),
    "catalog.community_edited": (),
    "catalog.plan_created": (),
    "catalog.plan_deleted": (),
    "catalog.plan_edited": (),
    "catalog.product_created": (),
    "catalog.product_deleted": (),
    "catalog.product_edited": (),
    "catalog.webhook_closed": (),
    "ledger.verify_failed": (alert_ledger,),
    "oversight.job_asked": (),
    "oversight.job_failed": (alert_job_failed,),
    "oversight.mail_failed": (),
    "oversight.mail_resent": (),
}
