"""Many numbers as sums of products of at most two parameters, all evaluated at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pyomo.core.expr import numeric_expr as nodes
from pyomo.core.expr.numvalue import NumericConstant

from optimization.engine.series import Series

Monomial = tuple[int, ...]
Polynomial = Mapping[Monomial, float]
MOST_FACTORS = 2


@dataclass(frozen=True)
class Polynomials:
    """A vector whose entry `places[k]` is a constant plus the products of its stretch of terms.

    Parameter 0 is the number 1, so that every product has two factors.
    """

    constants: Series
    places: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    coefficients: Series
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]

    @classmethod
    def of(cls, entries: Sequence[Polynomial]) -> "Polynomials":
        """Return the vector of the given polynomials."""
        constants = np.array([entry.get((), 0.0) for entry in entries], dtype=np.float64)
        places: list[int] = []
        starts: list[int] = []
        terms: list[tuple[Monomial, float]] = []
        for place, entry in enumerate(entries):
            products = [(factors, coefficient) for factors, coefficient in entry.items() if factors]
            if products:
                places.append(place)
                starts.append(len(terms))
                terms += products
        return cls(
            constants,
            np.array(places, dtype=np.int64),
            np.array(starts, dtype=np.int64),
            np.array([coefficient for _, coefficient in terms], dtype=np.float64),
            np.array([factors[0] for factors, _ in terms], dtype=np.int64),
            np.array([factors[1] if len(factors) > 1 else 0 for factors, _ in terms], dtype=np.int64),
        )

    def at(self, numbers: Series) -> Series:
        """Return the vector for the parameters `numbers`."""
        result = self.constants.copy()
        if len(self.places):
            products = self.coefficients * numbers[self.first] * numbers[self.second]
            result[self.places] += np.add.reduceat(products, self.starts)
        return result


def polynomial(expression: Any, place_of: Mapping[int, int]) -> dict[Monomial, float]:
    """Return a Pyomo expression of parameters alone as a polynomial; `place_of` numbers the parameters by identity.

    Raises:
        ValueError: for anything but sums, differences, products of two and quotients by a constant.
    """
    if isinstance(expression, NumericConstant):
        expression = expression.value
    if isinstance(expression, int | float | np.number):
        return {(): float(expression)} if expression else {}
    if not expression.is_expression_type():
        return {(place_of[id(expression)],): 1.0}
    parts = [polynomial(each, place_of) for each in expression.args]
    if isinstance(expression, nodes.NegationExpression):
        return _scaled(parts[0], -1.0)
    if isinstance(expression, nodes.SumExpression):
        return _sum(parts)
    if isinstance(expression, nodes.ProductExpression):
        return _product(*parts)
    if isinstance(expression, nodes.DivisionExpression) and set(parts[1]) == {()}:
        return _scaled(parts[0], 1 / parts[1][()])
    raise ValueError(f"{expression} is no sum of products of parameters")


def _scaled(one: Polynomial, factor: float) -> dict[Monomial, float]:
    return {factors: factor * coefficient for factors, coefficient in one.items()}


def _sum(parts: Sequence[Polynomial]) -> dict[Monomial, float]:
    result: dict[Monomial, float] = {}
    for part in parts:
        for factors, coefficient in part.items():
            result[factors] = result.get(factors, 0.0) + coefficient
    return result


def _product(one: Polynomial, other: Polynomial) -> dict[Monomial, float]:
    result: dict[Monomial, float] = {}
    for first, a in one.items():
        for second, b in other.items():
            factors = tuple(sorted(first + second))
            if len(factors) > MOST_FACTORS:
                raise ValueError(f"a product of {len(factors)} parameters; allowed: {MOST_FACTORS}")
            result[factors] = result.get(factors, 0.0) + a * b
    return result
