"""What other areas may do within billing's own transactions, without billing knowing them.

Receivers take part in the transaction: an exception undoes all that it records.
``purchase_made`` is sent with ``session, capture, customer, invoice, payment_method, actor,
now``; ``invoices_paid`` with ``session, invoices, actor, now``, once for all that one
transaction settles, so that a receiver can take a thousand renewals in few statements;
``refund_approved`` with ``session, refund, invoice, refunded_in_all, actor, now``.
"""

from blinker import Signal

purchase_made = Signal("A product was bought; ``invoice`` is None where today cost nothing.")
invoices_paid = Signal("Invoices were paid. Sent after ``purchase_made`` of the same purchase.")
refund_approved = Signal("A refund was approved; ``refunded_in_all`` cents of its invoice go back.")
