"""What time does by itself: the scheduled jobs, at their hours in Paris."""

from datetime import datetime, time

from tests.reference import affiliates
from tests.reference.arithmetic import (
    DAY,
    from_wall,
    hours_between,
    local_day,
    months_later,
    next_five_minutes,
)

DECLINES_LATER = "4000000000000341"
ANSWERS_LATE = "4000000000000119"


class Clockwork:
    """The part of the business that nobody has to ask for."""

    def pass_time(self, until):
        for at in hours_between(self.now, until):
            self._answers_until(at)
            self.now = at
            self._jobs(at)
        self._answers_until(until)
        self.now = until

    def _answers_until(self, at):
        """A charge without an answer is asked about at the next five minutes of the clock."""
        for asked in list(self.unanswered):
            since, settle, about = asked
            known_at = next_five_minutes(since)
            if known_at <= at:
                self.unanswered.remove(asked)
                self.now = known_at
                settle(*about)

    def _jobs(self, at):
        """Whatever falls due now; an hour that a night leaves out is the one after it."""
        self._end_periods()
        for hour, job in ((2, self._renew), (3, self._mature), (4, self._look_at_risks)):
            if from_wall(datetime.combine(local_day(at), time(hour))) == at:
                job()

    def _mature(self):
        affiliates.mature(self)

    def _look_at_risks(self):
        affiliates.look_at_risks(self)

    # ends of periods

    def _end_periods(self):
        for mine in self.customers:
            over = mine.period_starts_at is not None and mine.period_starts_at <= self.now
            if not mine.running or not over:
                continue
            if mine.cancels:
                self.end(mine, "CANCELLED")
            elif mine.status == "ACTIVE" and not mine.renews:
                self.end(mine, "EXPIRED")

    def end(self, mine, status):
        mine.status, mine.next_charge_at, mine.next_plan = status, None, None
        if mine.open_invoice:
            mine.open_invoice.status, mine.open_invoice = "VOID", None

    # renewals

    def _renew(self):
        due = [mine for mine in self.customers if self._is_due(mine)]
        for mine in sorted(due, key=lambda mine: (mine.next_charge_at, mine.place)):
            self._charge(mine)

    def _is_due(self, mine):
        if mine.cancels or self.is_unanswered(mine):
            return False
        if mine.status == "ACTIVE":
            return mine.renews and mine.ends_at is not None and mine.ends_at <= self.now + DAY
        if mine.status == "TRIAL":
            return mine.trial_ends_at <= self.now
        return mine.status == "PAST_DUE" and mine.next_charge_at <= self.now

    def is_unanswered(self, mine):
        return any(mine in about for _, _, about in self.unanswered)

    def _charge(self, mine):
        if mine.open_invoice is None:
            plan = mine.next_plan or mine.plan
            kind = "FIRST" if mine.cycles == 0 else "RENEWAL"
            until = months_later(mine.anchor, plan.months * (mine.since_anchor + 1))
            mine.open_invoice = self.invoice(
                mine, plan, kind, mine.period_starts_at, until, plan.price
            )
        if mine.card.number == ANSWERS_LATE:
            self.unanswered.append((self.now, self.renewed, (mine,)))
        elif mine.card.number == DECLINES_LATER:
            self._declined(mine)
        else:
            self.renewed(mine)

    def renewed(self, mine):
        paid, mine.open_invoice = mine.open_invoice, None
        mine.plan, mine.next_plan = paid.plan, None
        mine.status, mine.ends_at = "ACTIVE", paid.period_end
        mine.since_anchor, mine.cycles = mine.since_anchor + 1, mine.cycles + 1
        mine.first_failed_at, mine.retries = None, 0
        mine.next_charge_at = mine.ends_at if mine.renews else None
        self.pay(paid)

    def _declined(self, mine):
        if mine.first_failed_at is None:
            mine.status, mine.first_failed_at = "PAST_DUE", self.now
        else:
            mine.retries += 1
        if mine.retries == len(self.terms.dunning_days):
            self.end(mine, "EXPIRED")
        else:
            mine.next_charge_at = self.retry_at(mine)

    def retry_at(self, mine):
        return mine.first_failed_at + self.terms.dunning_days[mine.retries] * DAY
