from __future__ import annotations

import pytest

from rocmox.errors import CannotLookError
from rocmox.machine import LocalMachine
from rocmox_lab.package_index import PipSettings, parse_pip_settings, read_pip_settings

LISTED = """:env:.cert='/etc/ssl/site.pem'
:env:.default-timeout='180'
download.proxy='http://proxy:3128'
global.cert='/etc/ssl/ca.pem'
global.extra-index-url='file:///opt/simple\\nhttps://mirror/simple'
global.index-url='https://main/simple'
global.proxy='http://other:3128'
install.index-url='https://only-for-install/simple'
"""


def test_the_environment_wins_over_the_command_and_that_over_the_rest() -> None:
    assert parse_pip_settings(LISTED) == PipSettings(
        indexes=("https://main/simple", "file:///opt/simple", "https://mirror/simple"),
        ca_file="/etc/ssl/site.pem",
        proxy="http://proxy:3128",
    )


def test_a_pip_that_nobody_set_up_looks_where_pip_does() -> None:
    assert parse_pip_settings("") == PipSettings(indexes=("https://pypi.org/simple",), ca_file=None, proxy=None)


def test_no_index_means_none() -> None:
    assert parse_pip_settings("global.no-index='true'\n").indexes == ()


@pytest.mark.parametrize("line", ["global.cert", "global.cert=/etc/x", "global.proxy='half"])
def test_a_line_of_another_form_is_named(line: str) -> None:
    with pytest.raises(CannotLookError, match="global"):
        parse_pip_settings(line)


def test_this_machines_pip_answers() -> None:
    assert isinstance(read_pip_settings(LocalMachine()), PipSettings)
