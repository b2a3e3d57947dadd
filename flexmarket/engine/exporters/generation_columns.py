"""The columns that COMAX and ALF share: the only place where powers become positive for production."""

from flexmarket.engine.table import FlexTable
from optimization.engine.series import Series


def generation_columns(table: FlexTable) -> dict[str, Series]:
    """Return the columns of OpenTUMFlex 1.0, seen from the grid connection as production.

    Sch_P (kW) is above 0 where the device feeds in; Pos_P, Pos_E are 0 or more, Neg_P, Neg_E 0 or less (kW, kWh);
    Neg_Pr, Pos_Pr are in EUR/kWh, signed as in the table. Fcst_Pr is there where the table has a price forecast.
    """
    columns = {
        "Sch_P": _negated(table.scheduled_power_kw),
        "Neg_P": _negated(table.negative_power_kw),
        "Pos_P": table.positive_power_kw,
        "Neg_E": _negated(table.negative_energy_kwh),
        "Pos_E": table.positive_energy_kwh,
        "Neg_Pr": table.negative_price_eur_per_kwh,
        "Pos_Pr": table.positive_price_eur_per_kwh,
    }
    if table.forecast_price_eur_per_kwh is not None:
        columns["Fcst_Pr"] = table.forecast_price_eur_per_kwh
    return columns


def _negated(values: Series) -> Series:
    # Subtracting from 0.0 keeps zeros without a sign.
    return 0.0 - values
