from evaluation.probes.answers import read_answer
from evaluation.testing import answered, ended


def test_lines_are_read_by_name() -> None:
    answer = read_answer(answered({"what": "a", "n": 3, "ok": True}, {"what": "b"}, {"what": "a", "n": 4}))
    assert not answer.problem
    assert [line.integer("n") for line in answer.all("a")] == [3, 4]
    first = answer.first("a")
    assert first is not None
    assert first.ok
    assert answer.first("c") is None


def test_a_field_of_another_type_reads_as_none() -> None:
    line = read_answer(answered({"what": "a", "n": "3", "t": 3, "truth": True})).first("a")
    assert line is not None
    assert (line.integer("n"), line.text("t"), line.integer("truth"), line.ok) == (None, None, None, False)


def test_words_of_the_runtime_do_not_disturb() -> None:
    answer = read_answer(ended(b'INFO: hello\n[1]\n{"what": "a"}\n{"done": true}\n'))
    assert not answer.problem
    assert len(answer.lines) == 2


def test_without_the_sentinel_nothing_counts() -> None:
    answer = read_answer(answered({"what": "a"}, done=False))
    assert not answer.lines
    assert answer.problem == "the payload did not run to its end (exit status 0)"


def test_a_sentinel_in_the_middle_is_none() -> None:
    assert read_answer(ended(b'{"done": true}\n{"what": "cut"}\n')).problem


def test_the_problem_says_who_ended_and_what_was_said() -> None:
    broken = ended(exit_status=1, stderr=b"one\nFAILED to find requested image.\n")
    assert read_answer(broken).problem == (
        "the payload did not run to its end (exit status 1; it said: FAILED to find requested image.)"
    )
    assert "ended after 60.0 s" in read_answer(ended(timed_out=True, duration_s=60.0)).problem


def test_why_an_attempt_failed() -> None:
    answer = read_answer(
        answered({"what": "a", "error": "Permission denied"}, {"what": "b", "ended_by_signal": 9})
    )
    assert [line.reason for line in answer.lines] == [
        "Permission denied",
        "ended by signal 9",
        "no reason given",
    ]
