"""The Open Inference Protocol, version 2: its tensors of text in, tensors of JSON documents out."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from werkzeug.exceptions import BadRequest

from windowclf_service.api.requests import check_length
from windowclf_service.api.schemas import TaggedInput
from windowclf_service.config import Limits
from windowclf_service.errors import WrongField

INPUT = "text"
NO_BINARY = (
    "The binary tensor extension is not served; send tensors as JSON, without the header "
    "Inference-Header-Content-Length and without binary_data, binary_data_size and binary_data_output."
)
_BINARY = ("binary_data", "binary_data_size", "binary_data_output")

_encode = msgspec.json.Encoder().encode


def _parameters(binary: str) -> Meta:
    """Say of parameters that any may be there, and the binary one only to say no."""
    return Meta(extra_json_schema={"properties": {binary: {"const": False}}})


# One JSON document for each text
OUTPUTS: dict[str, Callable[[TaggedInput], Any]] = {
    "labels": lambda result: [token.label for token in result.tokens],
    "tokens": lambda result: result.tokens,
    "entities": lambda result: result.entities,
}


_Row = Annotated[list[str], Meta(min_length=1, max_length=1)]


class RequestInput(msgspec.Struct):
    """The input tensor.

    Attributes
    ----------
    name : str
        "text".
    shape : list of int
        That of `data`: [n] or [n, 1] for n texts.
    datatype : str
        "BYTES".
    data : list
        The texts; or lists of one text each.
    parameters : dict or None
        None are known; `binary_data_size` is refused.
    """

    name: Annotated[str, Meta(extra_json_schema={"const": INPUT})]
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1)]
    datatype: Annotated[str, Meta(extra_json_schema={"const": "BYTES"})]
    data: list[str | _Row] | UnsetType = UNSET  # missing where it comes as a binary tensor
    parameters: Annotated[dict[str, Any], _parameters("binary_data_size")] | None = None


class RequestOutput(msgspec.Struct):
    """An output that is wanted.

    Attributes
    ----------
    name : str
        "labels", "tokens" or "entities".
    parameters : dict or None
        None are known; `binary_data` is refused, unless it is false.
    """

    name: Annotated[str, Meta(extra_json_schema={"enum": list(OUTPUTS)})]
    parameters: Annotated[dict[str, Any], _parameters("binary_data")] | None = None


class InferenceRequest(msgspec.Struct):
    """The body of POST /v2/models/{model}/infer; fields that are not known are passed over.

    Attributes
    ----------
    inputs : list of RequestInput
        One.
    id : str or None
        Returned as it is.
    parameters : dict or None
        None are known; `binary_data_output` is refused, unless it is false.
    outputs : list of RequestOutput or None
        Those that are wanted; all by default.
    """

    inputs: Annotated[list[RequestInput], Meta(extra_json_schema={"minItems": 1, "maxItems": 1})]
    id: str | None = None
    parameters: Annotated[dict[str, Any], _parameters("binary_data_output")] | None = None
    outputs: list[RequestOutput] | None = None


class ResponseOutput(msgspec.Struct):
    """An output tensor.

    Attributes
    ----------
    name : str
        "labels": lists of labels; "tokens": lists of tokens, "entities": lists of entities, these in the
        shapes of POST /v1/tag.
    shape : list of int
        [n], for n texts.
    datatype : str
        "BYTES".
    data : list of str
        A JSON document for each text.
    """

    name: str
    shape: list[int]
    datatype: str
    data: list[str]


class InferenceResponse(msgspec.Struct):
    """The answer of POST /v2/models/{model}/infer."""

    model_name: str
    model_version: str
    outputs: list[ResponseOutput]
    id: str | UnsetType = UNSET


class TensorMetadata(msgspec.Struct):
    """A tensor that comes in or goes out; -1 is any length."""

    name: str
    datatype: str = "BYTES"
    shape: list[int] = msgspec.field(default_factory=lambda: [-1])


class ModelMetadata(msgspec.Struct):
    """What the protocol tells of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(msgspec.Struct):
    """What the protocol tells of the service."""

    name: str
    version: str
    extensions: list[str]


class Live(msgspec.Struct):
    """The service is up."""

    live: bool


class Ready(msgspec.Struct):
    """New clients may come."""

    ready: bool


class ModelReady(msgspec.Struct):
    """The model may be asked."""

    name: str
    ready: bool


def texts_of(request: InferenceRequest, limits: Limits) -> list[str]:
    """Return the texts that are to be tagged.

    Raises
    ------
    BadRequest
        If binary tensors are sent or asked for.
    WrongField
        If the input tensor is not one of texts, or there are too many, or one is too long.
    """
    tensors: Sequence[RequestInput | RequestOutput] = [*request.inputs, *(request.outputs or [])]
    for parameters in (request.parameters, *(tensor.parameters for tensor in tensors)):
        if parameters and any(parameters.get(name, False) is not False for name in _BINARY):
            raise BadRequest(NO_BINARY)
    if len(request.inputs) != 1:
        raise WrongField("/inputs", f"{len(request.inputs)} tensors; allowed: one, named {INPUT!r}")
    (tensor,) = request.inputs
    if tensor.name != INPUT:
        raise WrongField("/inputs/0/name", f"{tensor.name!r}; allowed: {INPUT!r}")
    if tensor.datatype != "BYTES":
        raise WrongField("/inputs/0/datatype", f"{tensor.datatype!r}; allowed: 'BYTES'")
    if tensor.data is UNSET:
        raise WrongField("/inputs/0/data", "missing; allowed: the texts")
    texts = [value if isinstance(value, str) else value[0] for value in tensor.data]
    if prod(tensor.shape) != len(texts):
        raise WrongField("/inputs/0/shape", f"{tensor.shape} for {len(texts)} texts; allowed: [{len(texts)}]")
    if len(texts) > limits.inputs:
        raise WrongField("/inputs/0/data", f"{len(texts)} texts; allowed: at most {limits.inputs} a request")
    for i, (text, value) in enumerate(zip(texts, tensor.data, strict=True)):
        pointer = f"/inputs/0/data/{i}"
        check_length(text, limits.characters, pointer if isinstance(value, str) else f"{pointer}/0")
    return texts


def outputs_of(request: InferenceRequest) -> list[str]:
    """Return the names of the outputs that are wanted.

    Raises
    ------
    WrongField
        If one is not known.
    """
    if not request.outputs:
        return list(OUTPUTS)
    for i, output in enumerate(request.outputs):
        if output.name not in OUTPUTS:
            raise WrongField(f"/outputs/{i}/name", f"{output.name!r}; allowed: {', '.join(OUTPUTS)}")
    return [output.name for output in request.outputs]


def tensor_of(name: str, results: Sequence[TaggedInput]) -> ResponseOutput:
    """Return an output tensor."""
    data = [_encode(OUTPUTS[name](result)).decode() for result in results]
    return ResponseOutput(name, [len(data)], "BYTES", data)
