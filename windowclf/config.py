"""The configuration of a tagger, as frozen dataclasses.

Every field carries its meaning and its bounds in its type, so that documentation, validation and error
messages (config_io.py) come from one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Literal, cast

from msgspec import Meta

Tuning = Literal["frozen", "tuned", "two-channel"]
TABLE_MB, CACHE_MB = 128, 16  # megabytes for tables that make tagging fast, unless told otherwise


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The network: its window, its word vectors and its layers."""

    window: Annotated[
        int, Meta(ge=1, le=31, description="words in a window, odd: the word and as many each side")
    ] = 5
    vectors: Annotated[
        str,
        Meta(
            description="name or path of pretrained vectors, or A+B; empty: full GloVe if it is installed; "
            "random:D: D numbers drawn for each training word"
        ),
    ] = ""
    tuning: Annotated[
        Tuning,
        Meta(description="whether training moves the pretrained vectors; two-channel: a copy beside them"),
    ] = "tuned"
    vector_deviation: Annotated[
        float,
        Meta(ge=0, description="standard deviation that pretrained vectors are scaled to; 0: as they come"),
    ] = 0.5
    max_vectors: Annotated[
        int, Meta(ge=0, description="vectors kept: the training words and the most frequent others; 0: all")
    ] = 100_000
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...],
        Meta(description="units of each hidden layer; []: softmax regression on the window"),
    ] = (300,)
    activation: Annotated[Literal["relu", "tanh", "logistic"], Meta(description="of the hidden layers")] = (
        "relu"
    )
    dropout: Annotated[float, Meta(ge=0, lt=1, description="share of hidden units dropped in training")] = 0.5
    loss: Annotated[
        Literal["softmax", "crf"],
        Meta(description="softmax: words are labelled one by one; crf: sentences as a whole"),
    ] = "softmax"
    inner_scheme: Annotated[
        Literal["IOB2", "IOBES"],
        Meta(description="scheme that span labels are learnt in, whatever the user's"),
    ] = "IOBES"
    input_dropout: Annotated[
        float, Meta(ge=0, lt=1, description="share of a word's input values dropped in training")
    ] = 0.2

    def __post_init__(self) -> None:
        if self.window % 2 == 0:
            raise ValueError(f"window must be odd, so that it has a middle; {self.window} is even")


@dataclass(frozen=True, slots=True)
class FeaturesConfig:
    """What a word looks like, beside its vector; features have small vectors of their own, always trained."""

    case_dimension: Annotated[
        int, Meta(ge=0, le=1000, description="dimension of the letter-case vectors; 0: switched off")
    ] = 10
    affix_dimension: Annotated[
        int,
        Meta(
            ge=-1,
            le=1000,
            description="dimension of the affix vectors; 0: affixes, whole_word, shape off; "
            "-1: 24, and 4 where labels mark spans that most words are outside of, such as names",
        ),
    ] = -1
    prefixes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=16)], ...], Meta(description="lengths of prefixes, in characters")
    ] = (1, 2, 3, 4)
    suffixes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=16)], ...], Meta(description="lengths of suffixes, in characters")
    ] = (1, 2, 3, 4)
    whole_word: Annotated[bool, Meta(description="whether the cased word itself is hashed like an affix")] = (
        True
    )
    shape: Annotated[
        bool,
        Meta(description="whether a word's pattern of capitals, letters and digits is hashed like an affix"),
    ] = False
    buckets: Annotated[
        int, Meta(ge=1, le=10_000_000, description="rows of the table that affixes are hashed into")
    ] = 20_000
    gazetteers: Annotated[
        tuple[str, ...],
        Meta(description="files of phrases, one a line, such as names of places; the model keeps a copy"),
    ] = ()
    entity_lists: Annotated[
        bool,
        Meta(
            description="whether the entities of the training data are lists of phrases too, one for each "
            "kind; in a model they are the gazetteers `entities:KIND`"
        ),
    ] = True
    gazetteer_dimension: Annotated[
        int, Meta(ge=1, le=1000, description="dimension of the vectors of a list's positions")
    ] = 8
    gazetteer_case: Annotated[bool, Meta(description="whether letter case counts in gazetteers")] = True
    columns: Annotated[
        tuple[str, ...],
        Meta(
            description="other columns of corpus files, such as parts of speech; tagging then needs them "
            'too. In CoNLL numbers (`"1"`), in CoNLL-U `"upos"` or `"xpos"`, in JSONL keys of lists'
        ),
    ] = ()
    column_dimension: Annotated[
        int, Meta(ge=1, le=1000, description="dimension of the vectors of a column's values")
    ] = 10

    def __post_init__(self) -> None:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns names one twice: {', '.join(self.columns)}")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How the network is trained."""

    seed: Annotated[int, Meta(ge=0, description="of everything random: first weights, order, dropout")] = 0
    ensemble: Annotated[
        int, Meta(ge=1, le=100, description="networks that are trained apart and label together")
    ] = 1
    bootstrap: Annotated[
        bool,
        Meta(description="whether each network of an ensemble learns from sentences drawn with replacement"),
    ] = False
    teacher_weight: Annotated[
        float,
        Meta(ge=0, le=1, description="of a teacher's probabilities against the true labels, if one is given"),
    ] = 0.8
    epochs: Annotated[
        int,
        Meta(ge=0, description="passes over the training data, at most; 0: 1000 / √sentences, from 3 to 60"),
    ] = 0
    patience: Annotated[
        int,
        Meta(
            ge=0,
            description="epochs without a better dev score before training stops, not counted before "
            "vectors are tuned; 0: never",
        ),
    ] = 8
    batch_sentences: Annotated[
        int, Meta(ge=0, description="sentences of a mini-batch; 0: sentences / 400, from 16 to 64")
    ] = 0
    optimizer: Annotated[Literal["sgd", "momentum", "adam"], Meta(description="update rule")] = "adam"
    learning_rate: Annotated[float, Meta(gt=0, description="at the start")] = 2e-3
    schedule: Annotated[
        Literal["constant", "linear", "cosine"],
        Meta(description="how the learning rate falls over all epochs"),
    ] = "linear"
    momentum: Annotated[float, Meta(ge=0, lt=1, description="of the rule `momentum`")] = 0.9
    l2: Annotated[float, Meta(ge=0, description="strength of the L2 penalty on weight matrices")] = 0.0
    l2_vectors: Annotated[
        float, Meta(ge=0, description="strength of the L2 penalty on the rows of tables in the batch")
    ] = 0.0
    l2_anchor: Annotated[
        float,
        Meta(
            ge=0, description="strength of the L2 penalty on what tuned vectors are away from pretrained ones"
        ),
    ] = 0.0
    vectors_rate: Annotated[
        float, Meta(ge=0, description="factor on the learning rate for tuned vectors")
    ] = 1.0
    vectors_from_epoch: Annotated[int, Meta(ge=1, description="epoch from which on vectors are tuned")] = 1
    tuned_from_count: Annotated[
        int, Meta(ge=1, description="how often training must read a vector, in any spelling, to tune it")
    ] = 1
    carry: Annotated[
        Literal["none", "ridge", "neighbours"],
        Meta(
            description="whether words that training never read move like those it moved: by a linear map, "
            "or like their nearest neighbours; tuning tuned only"
        ),
    ] = "none"
    carry_strength: Annotated[
        float, Meta(ge=0, le=1, description="share of the movement that is carried over")
    ] = 1.0
    word_dropout: Annotated[
        float, Meta(ge=0, lt=1, description="share of a batch's distinct words that are made unknown")
    ] = 0.0
    averaging: Annotated[
        float,
        Meta(
            ge=0, lt=1, description="share kept by each step of the running average of weights; 0: no average"
        ),
    ] = 0.0
    class_weights: Annotated[
        Literal["none", "balanced"],
        Meta(
            description="balanced: rare labels count more, n / (labels · n of the label); loss softmax only"
        ),
    ] = "none"
    label_smoothing: Annotated[
        float,
        Meta(ge=0, lt=1, description="share of a target spread over all labels; loss softmax only"),
    ] = 0.0
    fit_outside_cost: Annotated[
        bool,
        Meta(description="whether dev decides what being outside a span costs, for the best entity F1"),
    ] = True
    clip_norm: Annotated[
        float, Meta(ge=0, description="bound on the norm of all gradients together; 0: none")
    ] = 5.0


@dataclass(frozen=True, slots=True)
class DataConfig:
    """How corpus files are read."""

    format: Annotated[
        Literal["auto", "conll", "conllu", "jsonl", "tagged"],
        Meta(description="of corpus files; auto: by their ending; tagged: a sentence a line of word/tag"),
    ] = "auto"
    token_column: Annotated[
        int, Meta(description="column of the word in CoNLL files, from 0; negative: from the end")
    ] = 0
    label_column: Annotated[int, Meta(description="column of the label in CoNLL files")] = -1
    separator: Annotated[
        str, Meta(description="between columns; empty: a tab where the line has one, else spaces")
    ] = ""
    label_field: Annotated[
        Literal["upos", "xpos"], Meta(description="which tags of CoNLL-U files are the labels")
    ] = "upos"
    scheme: Annotated[
        Literal["auto", "none", "IOB1", "IOB2", "IOBES"],
        Meta(description="label scheme; none: labels are plain classes"),
    ] = "auto"
    ignore_label: Annotated[
        str, Meta(description="label of words that are context only; empty: no such label")
    ] = "_"


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
                f"training.carry = {self.training.carry!r} is of tuned vectors; "
                f"with model.tuning = {self.model.tuning!r} it must be 'none'"
            )
        if self.training.tuned_from_count > 1 and self.model.tuning == "frozen":
            raise ValueError(
                f"training.tuned_from_count = {self.training.tuned_from_count} is of tuned vectors; "
                "with model.tuning = 'frozen' it must be 1"
            )
        if self.model.loss == "softmax":
            return
        for name, off in (("class_weights", "none"), ("label_smoothing", 0.0)):
            if (value := getattr(self.training, name)) != off:
                raise ValueError(
                    f"training.{name} = {value!r} is of single words; with model.loss = {self.model.loss!r}, "
                    f"which is of sentences, it must be {off!r}"
                )
