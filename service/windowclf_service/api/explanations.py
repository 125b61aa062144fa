"""From inputs to explanations: what each word of a window pushed towards the label."""

from collections.abc import Sequence

from windowclf.corpus.tokenizer import Token
from windowclf.inspection.shapley import Explanation
from windowclf.tagger import WindowTagger
from windowclf_service.api.answers import read_input
from windowclf_service.api.request_schemas import Input
from windowclf_service.api.schemas import ExplainedInput, ExplainedToken, Extent, LabelScore, WindowPart

MOST_CHARACTERS = 10_000  # of a request: a word is scored with dozens of windows


def explain_inputs(tagger: WindowTagger, inputs: Sequence[Input], *, top: int) -> list[ExplainedInput]:
    """Explain the labels of texts, or of sentences that are split into tokens already.

    Parameters
    ----------
    inputs : sequence of str or list of str
        As `tag_inputs` takes them.
    top : int
        How many of the most probable labels are given.

    Raises
    ------
    WindowClfError
        If the model's window is too wide to be explained.
    """
    answers = []
    for value in inputs:
        text, found = read_input(value)
        answer = ExplainedInput(text, [], [])
        for sentence in found:
            explanations = tagger.explain([token.text for token in sentence])
            answer.sentences.append(Extent(sentence[0].start, sentence[-1].end))
            answer.tokens += [_token(*pair, top) for pair in zip(sentence, explanations, strict=True)]
        answers.append(answer)
    return answers


def _token(token: Token, explanation: Explanation, top: int) -> ExplainedToken:
    parts = zip(explanation.window, explanation.contributions, strict=True)
    return ExplainedToken(
        *token,
        explanation.label,
        explanation.learnt_as,
        [LabelScore(*pair) for pair in explanation.probabilities[:top]],
        [WindowPart(*part) for part in parts],
        explanation.score,
        explanation.empty_score,
    )
