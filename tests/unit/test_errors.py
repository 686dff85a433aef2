import pytest

from rocmox import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 64),
        (errors.CannotLookError("x"), 3),
        (errors.MachineError("x"), 3),
        (errors.RefusedError("x"), 2),
        (errors.TaskFailedError("x"), 2),
    ],
)
def test_exit_codes_are_those_of_the_contracts(error: errors.RocmoxError, code: int) -> None:
    assert error.exit_code == code


def test_a_remedy_follows_the_message() -> None:
    assert str(errors.RefusedError("no space", remedy="free some")) == "no space\nHINT: free some"


def test_a_failed_command_shows_its_last_words() -> None:
    error = errors.CommandError(["mkfs.ext4", "/dev/x"], exit_status=1, stderr="no such device\n")
    assert str(error) == "mkfs.ext4 /dev/x: exit status 1\nno such device"
