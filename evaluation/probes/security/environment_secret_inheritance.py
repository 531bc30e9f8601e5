"""P36: whether a secret in the host's environment is handed into the container."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import EFFECT, PROBLEM, Attempt

VARIABLE = "EVALUATION_CANARY_TOKEN"


def observe(session: Session) -> None:
    """Put a word into the client's environment, and let the payload look for it."""
    content = secret()
    completed = session.launch(
        (f"{session.payload_inside}/{PAYLOAD}", "getenv", VARIABLE), host_env={VARIABLE: content}
    )
    answer = read_answer(completed)
    line = answer.first("getenv")
    if line is None:
        session.record(PROBLEM, answer.problem or "the payload reported no attempt", evidence=(completed,))
        return
    session.record(EFFECT, line.text("text") == content, evidence=(completed,))


PROBE = Probe(
    id="environment_secret_inheritance",
    version=1,
    checklist_id="P36",
    severity=Severity.MEDIUM,
    severity_reason=(
        "The secret is the user's own; it then also stands in whatever the image writes, prints or sends."
    ),
    question="Are secrets in the user's environment kept out of the container, unless asked for?",
    why=(
        "Tokens for storage, databases and code hosting live in environment variables. A runtime that "
        "hands on the whole environment gives them to every program of every image; one that hands on "
        "nothing breaks job scripts that count on theirs."
    ),
    method=(
        "The client is started with a variable that holds a random word; the runtime is not told to hand "
        "it on. The payload reads that variable. The control is the bare process, which inherits it."
    ),
    remedy=(
        "Clean the environment (apptainer exec --cleanenv, shifter --clearenv) and hand on by name what "
        "is needed."
    ),
    observe=observe,
    judge=Attempt(
        done="a secret in the host's environment was inherited",
        not_done="a secret in the host's environment was not inherited",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="CWE-526, Cleartext Storage of Sensitive Information in an Environment Variable",
            url="https://cwe.mitre.org/data/definitions/526.html",
        ),
        Reference(
            title="Apptainer user guide, Environment and Metadata",
            url="https://apptainer.org/docs/user/1.0/environment_and_metadata.html",
        ),
    ),
)
