"""The configuration of a tagger, as frozen dataclasses.

Each field has its description and bounds in its type; documentation, validation and error messages
(config_io.py) are made from these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, cast

from msgspec import Meta

Tuning = Literal["frozen", "tuned", "two-channel"]
TABLE_MB, CACHE_MB = 128, 16  # megabytes: the defaults of `WindowTagger.compile`


def about(description: str, **bounds: Any) -> Meta:
    """Return the description and the bounds of a field."""
    return Meta(description=description, **bounds)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The network: window, word vectors and layers."""

    window: Annotated[
        int, about("words in a window, odd: the word and as many on each side", ge=1, le=31)
    ] = 5
    vectors: Annotated[
        str,
        about(
            "name or path of pretrained vectors, or A+B; empty: full GloVe if installed; "
            "random:D: random vectors of dimension D for the training words"
        ),
    ] = ""
    tuning: Annotated[
        Tuning, about("whether training changes the pretrained vectors; two-channel: a copy beside them")
    ] = "tuned"
    vector_deviation: Annotated[
        float, about("standard deviation that pretrained vectors are scaled to; 0: not scaled", ge=0)
    ] = 0.5
    max_vectors: Annotated[
        int, about("vectors kept: those of the training words and the most frequent others; 0: all", ge=0)
    ] = 100_000
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...],
        about("units of each hidden layer; []: no hidden layer, softmax regression on the window"),
    ] = (300,)
    activation: Annotated[
        Literal["relu", "tanh", "logistic"], about("activation function of the hidden layers")
    ] = "relu"
    dropout: Annotated[float, about("share of hidden units dropped in training", ge=0, lt=1)] = 0.5
    loss: Annotated[
        Literal["softmax", "crf"],
        about("softmax: words are labelled independently; crf: sentences as a whole"),
    ] = "softmax"
    inner_scheme: Annotated[
        Literal["IOB2", "IOBES"],
        about("scheme that span labels are learnt in; output keeps the scheme of the data"),
    ] = "IOBES"
    input_dropout: Annotated[
        float, about("share of the input values of a word dropped in training", ge=0, lt=1)
    ] = 0.2

    def __post_init__(self) -> None:
        if self.window % 2 == 0:
            raise ValueError(f"window must be odd, so that it has a middle; {self.window} is even")


@dataclass(frozen=True, slots=True)
class FeaturesConfig:
    """Features of a word beside its vector; each has small vectors of its own, which are always trained."""

    case_dimension: Annotated[int, about("dimension of the letter-case vectors; 0: off", ge=0, le=1000)] = 10
    affix_dimension: Annotated[
        int,
        about(
            "dimension of the affix vectors; 0: affixes, whole_word and shape off; -1: 4 if "
            "labels mark spans and most words are outside, as with names, else 24",
            ge=-1,
            le=1000,
        ),
    ] = -1
    prefixes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=16)], ...], about("lengths of prefixes, in characters")
    ] = (1, 2, 3, 4)
    suffixes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=16)], ...], about("lengths of suffixes, in characters")
    ] = (1, 2, 3, 4)
    whole_word: Annotated[bool, about("whether the whole word, as written, is hashed like an affix")] = True
    shape: Annotated[
        bool, about("whether a word's pattern of capitals, letters and digits is hashed like an affix")
    ] = False
    buckets: Annotated[int, about("size of the hash table of affixes", ge=1, le=10_000_000)] = 20_000
    gazetteers: Annotated[
        tuple[str, ...], about("files of phrases, one per line, such as place names; the model keeps a copy")
    ] = ()
    entity_lists: Annotated[
        bool,
        about(
            "whether the entities of the training data are gazetteers too, one for each entity "
            "type; a model names them `entities:TYPE`"
        ),
    ] = True
    gazetteer_dimension: Annotated[
        int, about("dimension of the vectors of positions in phrases", ge=1, le=1000)
    ] = 8
    gazetteer_case: Annotated[bool, about("whether gazetteers are case-sensitive")] = True
    columns: Annotated[
        tuple[str, ...],
        about(
            "other columns of corpus files used as features, such as parts of speech; tagging "
            'needs them too. CoNLL: numbers (`"1"`); CoNLL-U: `"upos"` or `"xpos"`; JSONL: keys of lists'
        ),
    ] = ()
    column_dimension: Annotated[int, about("dimension of the vectors of column values", ge=1, le=1000)] = 10

    def __post_init__(self) -> None:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"a column is named twice: {', '.join(self.columns)}")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How the network is trained."""

    seed: Annotated[
        int, about("seed of all random numbers: initial weights, order of sentences, dropout", ge=0)
    ] = 0
    ensemble: Annotated[
        int, about("number of networks, which are trained separately and label together", ge=1, le=100)
    ] = 1
    bootstrap: Annotated[
        bool, about("whether each network of an ensemble is trained on sentences drawn with replacement")
    ] = False
    teacher_weight: Annotated[
        float,
        about("weight of the teacher's probabilities against the true labels, with a teacher", ge=0, le=1),
    ] = 0.8
    epochs: Annotated[
        int,
        about("maximum number of passes over the training data; 0: 1000 / √sentences, from 3 to 60", ge=0),
    ] = 0
    patience: Annotated[
        int,
        about(
            "epochs without a better dev score after which training stops, counted from "
            "`vectors_from_epoch` on; 0: never",
            ge=0,
        ),
    ] = 8
    batch_sentences: Annotated[
        int, about("sentences per mini-batch; 0: sentences / 400, from 16 to 64", ge=0)
    ] = 0
    optimizer: Annotated[Literal["sgd", "momentum", "adam"], about("update rule")] = "adam"
    learning_rate: Annotated[float, about("initial learning rate", gt=0)] = 2e-3
    schedule: Annotated[
        Literal["constant", "linear", "cosine"], about("how the learning rate falls over the epochs")
    ] = "linear"
    momentum: Annotated[float, about("momentum of the optimizer `momentum`", ge=0, lt=1)] = 0.9
    l2: Annotated[float, about("strength of the L2 penalty on weight matrices", ge=0)] = 0.0
    l2_vectors: Annotated[float, about("strength of the L2 penalty on the table rows in the batch", ge=0)] = (
        0.0
    )
    l2_anchor: Annotated[
        float, about("strength of the L2 penalty on the distance of tuned from pretrained vectors", ge=0)
    ] = 0.0
    vectors_rate: Annotated[float, about("factor of the learning rate for tuned vectors", ge=0)] = 1.0
    vectors_from_epoch: Annotated[int, about("first epoch in which vectors are tuned", ge=1)] = 1
    tuned_from_count: Annotated[
        int, about("minimum number of training words, in any spelling, that use a tuned vector", ge=1)
    ] = 1
    carry: Annotated[
        Literal["none", "ridge", "neighbours"],
        about(
            "how vectors of words outside the training data follow the tuned ones: by a linear "
            "map (ridge) or like their nearest neighbours; only with tuning tuned"
        ),
    ] = "none"
    carry_strength: Annotated[float, about("share of the movement carried over", ge=0, le=1)] = 1.0
    word_dropout: Annotated[
        float, about("share of the distinct words of a batch replaced by the unknown word", ge=0, lt=1)
    ] = 0.0
    averaging: Annotated[
        float, about("decay of the running average of weights per step; 0: no averaging", ge=0, lt=1)
    ] = 0.0
    class_weights: Annotated[
        Literal["none", "balanced"],
        about(
            "balanced: weights n / (labels · n of the label), so that rare labels count more; "
            "loss softmax only"
        ),
    ] = "none"
    label_smoothing: Annotated[
        float, about("share of the target spread over all labels; only with loss softmax", ge=0, lt=1)
    ] = 0.0
    fit_outside_cost: Annotated[
        bool, about("whether the O penalty is tuned on dev, for the best entity F1")
    ] = True
    clip_norm: Annotated[float, about("maximum norm of all gradients together; 0: no clipping", ge=0)] = 5.0


@dataclass(frozen=True, slots=True)
class DataConfig:
    """How corpus files are read."""

    format: Annotated[
        Literal["auto", "conll", "conllu", "jsonl", "tagged"],
        about("format of corpus files; auto: by file name; tagged: a sentence per line, as word/tag"),
    ] = "auto"
    token_column: Annotated[
        int, about("column of the word in CoNLL files, from 0; negative: from the end")
    ] = 0
    label_column: Annotated[int, about("column of the label in CoNLL files")] = -1
    separator: Annotated[
        str, about("separator of columns; empty: a tab if the line has one, else spaces")
    ] = ""
    label_field: Annotated[
        Literal["upos", "xpos"], about("column of CoNLL-U files that holds the labels")
    ] = "upos"
    scheme: Annotated[
        Literal["auto", "none", "IOB1", "IOB2", "IOBES"],
        about("label scheme; none: labels are plain classes"),
    ] = "auto"
    ignore_label: Annotated[str, about("label of words that are only context; empty: none")] = "_"


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a tagger: everything but its data.

    Each section is given as its class or as a mapping of its keys: ``Config(training={"epochs": 3})``.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        for section in fields(self):
            value, kind = getattr(self, section.name), cast(type, section.default_factory)
            if isinstance(value, Mapping):  # Config(training={"epochs": 3})
                object.__setattr__(self, section.name, kind(**value))
            elif not isinstance(value, kind):
                raise TypeError(f"{section.name} must be a {kind.__name__} or a mapping; found {value!r}")
        if self.training.carry != "none" and self.model.tuning != "tuned":
            raise ValueError(
                f"training.carry = {self.training.carry!r} needs model.tuning = 'tuned'; "
                f"with model.tuning = {self.model.tuning!r} it must be 'none'"
            )
        if self.training.tuned_from_count > 1 and self.model.tuning == "frozen":
            raise ValueError(
                f"training.tuned_from_count = {self.training.tuned_from_count} needs tuned vectors; "
                "with model.tuning = 'frozen' it must be 1"
            )
        if self.model.loss == "softmax":
            return
        for name, off in (("class_weights", "none"), ("label_smoothing", 0.0)):
            if (value := getattr(self.training, name)) != off:
                raise ValueError(
                    f"training.{name} = {value!r} needs model.loss = 'softmax'; "
                    f"with model.loss = {self.model.loss!r} it must be {off!r}"
                )
