"""What other areas may do within a purchase's own transaction, without billing knowing them.

Receivers are called with ``session, capture, customer, invoice, payment_method, actor, now``
and take part in the transaction: an exception undoes the purchase's record as a whole.
"""

from blinker import Signal

purchase_made = Signal("A product was bought; ``invoice`` is None where today cost nothing.")
invoice_paid = Signal("An invoice was paid. Sent after ``purchase_made`` of the same purchase.")
