"""What previews tell beyond columns: held against those who really do it."""

from admin_views.happenings import MAILS
from admin_views.telling import MAILED
from jobs.listeners import LISTENERS


class TestMailsThatFollow:
    def test_a_preview_knows_every_event_that_a_mail_follows(self):
        mailing = {
            kind
            for kind, listeners in LISTENERS.items()
            if any(listener.__name__.startswith("mail_") for listener in listeners)
        }
        assert mailing - set(MAILED) == {"billing.notice_given"}, "which kind depends on the notice"
        assert set(MAILED) <= mailing
        assert set(MAILED.values()) <= set(MAILS)
