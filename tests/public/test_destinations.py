"""Where sign-in may lead: paths of this site, in no disguise."""

import pytest

from public.destinations import path_here, second_factor_path, sign_in_path


class TestPathHere:
    @pytest.mark.parametrize(
        "path", ["/", "/settings", "/p/formation-é?x=1&y=2#z", "/a//b", "/?next=https://x.org"]
    )
    def test_a_path_of_this_site_passes(self, path):
        assert path_here(path) == path

    @pytest.mark.parametrize(
        "given",
        [
            None,
            "",
            "settings",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/ok\\..\\..\\evil",
            "/ok\r\nSet-Cookie: x=1",
            "/\u2028x",
            "/" + "x" * 600,
        ],
    )
    def test_anything_else_does_not(self, given):
        assert path_here(given) is None


class TestThen:
    def test_carries_a_path_quoted(self):
        assert sign_in_path("/p/x?a=1&b=2") == "/login?next=/p/x%3Fa%3D1%26b%3D2"
        assert second_factor_path(None) == "/second-factor"
