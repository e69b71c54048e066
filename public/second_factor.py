"""Staff's second factor: asked once per session and again before money acts; enrolled here."""

from io import BytesIO

import pyotp
import segno
from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from models import clock
from models.accounts import SecondFactor
from models.accounts.enrol_second_factor import begin_enrolment, confirm_enrolment
from models.accounts.prove_second_factor import prove_second_factor
from models.errors import DomainError
from models.session import staff_reading, unit_of_work
from public.destinations import enrolment_path, home_of, path_here, second_factor_path
from public.identity import acting, signed_in_only
from public.letting_in import limit_verifying
from public.sign_in import refused

pages = Blueprint("second_factor", __name__)
ASK = "public/account/second_factor.html"
ENROL = "public/account/second_factor_enrol.html"


@pages.before_request
@signed_in_only
def _staff_only() -> None:
    """Nothing is here for those who have no console."""
    if not current_user.is_staff:
        abort(404)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/second-factor")
def ask() -> ResponseReturnValue:
    """The code form; whoever has no authenticator yet enrols one first."""
    factor = _factor()
    if factor is None or factor.confirmed_at is None:
        return redirect(enrolment_path(_wanted()), 303)
    return render_template(ASK, action_url="/second-factor", next=_wanted() or "")


@pages.post("/second-factor")
@limit_verifying
def prove() -> ResponseReturnValue:
    """Take a code, then go on."""
    code = request.form.get("code", "")
    try:
        with unit_of_work() as session:
            prove_second_factor(
                session, current_user.session_id, code, actor=acting(), now=clock.now()
            )
    except DomainError as refusal:
        return refused(ASK, refusal, action_url="/second-factor", next=_wanted() or "")
    return redirect(_destination(), 303)


@pages.get("/second-factor/enrol")
def enrol() -> ResponseReturnValue:
    """The QR code of a new authenticator, and the form for its first code."""
    factor = _factor()
    if factor is not None and factor.confirmed_at is not None:
        return redirect(second_factor_path(_wanted()), 303)
    with unit_of_work() as session:
        factor = begin_enrolment(session, current_user.id, actor=acting(), now=clock.now())
    return render_template(ENROL, secret=factor.secret, next=_wanted() or "")


@pages.get("/second-factor/qr.svg")
def qr() -> ResponseReturnValue:
    """The secret still to be confirmed, as a picture for an authenticator's camera."""
    factor = _factor()
    if factor is None or factor.confirmed_at is not None:
        abort(404)
    picture = BytesIO()
    segno.make(_address(factor.secret), error="m").save(
        picture, kind="svg", scale=6, border=3, dark="#000", light="#fff"
    )
    return Response(picture.getvalue(), mimetype="image/svg+xml")


@pages.post("/second-factor/enrol")
@limit_verifying
def confirm() -> ResponseReturnValue:
    """Take the first code, and show the recovery codes: this once."""
    code = request.form.get("code", "")
    try:
        with unit_of_work() as session:
            codes = confirm_enrolment(
                session, current_user.session_id, code, actor=acting(), now=clock.now()
            )
    except DomainError as refusal:
        factor = _factor()
        if factor is None or factor.confirmed_at is not None:
            return redirect(second_factor_path(_wanted()), 303)
        return refused(ENROL, refusal, secret=factor.secret, next=_wanted() or "")
    return render_template(
        "public/account/recovery_codes.html", codes=codes, destination=_destination()
    )


def _factor() -> SecondFactor | None:
    with staff_reading() as session:
        return session.get(SecondFactor, current_user.id)


def _address(secret: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=current_user.email, issuer_name="WEOKTO")


def _wanted() -> str | None:
    return path_here(request.values.get("next"))


def _destination() -> str:
    home = home_of(current_user.id, current_user.user_type, current_user.platform)
    return _wanted() or home
