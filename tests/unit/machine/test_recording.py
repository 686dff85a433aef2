from rocmox.machine import LocalMachine
from rocmox.machine.recording import RecordingMachine


def test_a_command_is_asked_once_and_answers_alike() -> None:
    recorder = RecordingMachine(LocalMachine())
    first = recorder.run(["sh", "-c", "date +%N"])
    assert recorder.run(["sh", "-c", "date +%N"]) == first
    assert recorder.commands[("sh", "-c", "date +%N")].stdout == first.stdout
    assert recorder.run(["sh", "-c", "exit 3"]).exit_status == 3
