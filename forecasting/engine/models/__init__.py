"""The forecast models by name. A new one is one file and one line in `MODELS`."""

from collections.abc import Mapping

from forecasting.engine.ev import EV
from forecasting.engine.models.baselines import Climatology, SameSlot
from forecasting.engine.models.blend import Blend
from forecasting.engine.models.boosting import Boosting
from forecasting.engine.models.ridge import Ridge
from forecasting.engine.physical import HEAT, LOAD, PV, WIND
from forecasting.engine.protocol import ForecastError, Model

NAIVE = "yesterday"
MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        SameSlot(name=NAIVE, days=1),
        SameSlot(name="last_week", days=7),
        Climatology(),
        Ridge(),
        Boosting(),
        Blend(),
        PV,
        WIND,
        HEAT,
        LOAD,
        EV,
    )
}


def model_named(name: str) -> Model:
    """Return the registered model; an unknown name is an error that lists the known ones."""
    try:
        return MODELS[name]
    except KeyError:
        raise ForecastError(f"model: {name!r} is none of {', '.join(MODELS)}.") from None
