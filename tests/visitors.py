"""Visitors: browsers of tests that fill in forms, read their mail and sign in."""

import json
import re

import pyotp
from sqlalchemy import select

from models import clock
from models.accounts import MagicLink, Platform, SecondFactor, User, UserType
from models.oversight import OutgoingMail
from models.session import staff_reading, unit_of_work

HOSTS = {Platform.WEOKTO: "weokto.localhost", Platform.STAM: "stam.localhost"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser on one platform: posts forms with their token, signs in by mail."""

    def __init__(self, app, platform=Platform.WEOKTO, ip="198.51.100.7", scheme="http"):
        self.base = f"{scheme}://{HOSTS[platform]}"
        self.platform = platform
        self.browser = app.test_client()
        self.browser.environ_base["REMOTE_ADDR"] = ip

    def get(self, path, **values):
        return self.browser.get(path, base_url=self.base, **values)

    def post(self, path, data=None, *, form="/login", **values):
        """Post a form with the token that a page carries."""
        page = self.get(form, follow_redirects=True).text
        token = TOKEN.search(page)
        fields = {**(data or {}), "csrf_token": token.group(1) if token else ""}
        return self.browser.post(path, data=fields, base_url=self.base, **values)

    def json(self, path, body=None, **values):
        return self.browser.post(path, json=body, base_url=self.base, **values)

    def cookie(self):
        return self.browser.get_cookie(f"{self.platform.lower()}_session", HOSTS[self.platform])

    def mailed(self, email):
        """The secrets of the sign-in mail that is good now: its token and code."""
        with staff_reading() as session:
            link = session.scalars(
                select(MagicLink)
                .where(
                    MagicLink.email == email,
                    MagicLink.platform == self.platform,
                    MagicLink.otp_hash.is_not(None),
                )
                .order_by(
                    MagicLink.voided_at.is_not(None),
                    MagicLink.used_at.is_not(None),
                    MagicLink.created_at.desc(),
                )
            ).first()
            key = f"magic-link:{link.id}"
            mail = session.scalars(select(OutgoingMail).where(OutgoingMail.idempotency_key == key))
            return json.loads(mail.one().secrets)

    def sign_in(self, email="ada@example.org", **asked):
        """Sign in by code; the answer, not followed."""
        self.json("/api/auth/magic-link/send", {"email": email, **asked})
        code = self.mailed(email)["code"]
        return self.json("/api/auth/magic-link/verify-otp", {"email": email, "code": code})

    def me(self):
        return self.get("/api/auth/me")

    def enrol(self):
        """Set up the second factor of the staff member signed in here; the recovery codes."""
        self.get("/second-factor/enrol")
        page = self.post("/second-factor/enrol", {"code": self.totp()}, form="/second-factor/enrol")
        return re.findall(r"<code>([^<]+)</code>", page.text)

    def totp(self):
        with staff_reading() as session:
            factor = session.get(SecondFactor, self.user().id)
        return pyotp.TOTP(factor.secret).at(int(clock.now().timestamp()))

    def user(self):
        with staff_reading() as session:
            return session.get(User, self.me().json["id"])


def committed_user(email, platform=Platform.WEOKTO, user_type=UserType.CLIENT, **values):
    """A person who exists before a test's browsers come."""
    with unit_of_work() as session:
        user = User(email=email, platform=platform, user_type=user_type, **values)
        session.add(user)
    return user
