"""Logistic regression: all weightings of the cases and all penalties, solved on one matrix.

The objective is scikit-learn's: ``|w|^2 / 2 + C sum_i weight_i loss_i``, the intercept unpenalised.
Truncated Newton (Dembo and Steihaug 1983) from the strongest penalty to the weakest. All weightings
advance together, each with its own conjugate gradients, line search and end; what they share are
the products with the matrix and a preconditioner, the Hessian of their mean.
L-BFGS would need eight times as many products: counted on 1,500 cases of the meter ``linear_probe``
with 45 penalties, warm starts, and for each penalty the better of the raw and the whitened basis.
Vectors are float64; the matrix is whitened (in float64) and then float32, which suffices: in that
basis the Hessian of the loss is well conditioned, and errors of the gradient enter squared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pixvox_benchmarks.likelihood import Likelihood
from pixvox_benchmarks.matrix import Matrix
from pixvox_registry.errors import UserError

NEWTON_STEPS = 60
CONJUGATE_STEPS = 40  # per Newton step
SHARED_STEPS = 25  # conjugate steps for which the shared Hessian is kept
FORCING = 0.1  # residual left by conjugate gradients, of the one they start with
STEP_TRIALS = 20
EXTRAPOLATIONS = ((-1, 2), (1, -3, 3))  # the line and the parabola through past solutions
ROUNDING = 3e-7  # of an objective summed in float32


@dataclass(frozen=True)
class Fits:
    """Coefficients of every weighting M and penalty L; the last of D + 1 is the intercept."""

    coefficients: Tensor  # [M, L, D + 1, k] float64; k is 1 for two classes, else K
    converged: Tensor  # [M, L] bool


@dataclass
class _State:
    """Problems on their way: Q of M weightings at one penalty."""

    w: Tensor  # [Q, k, E] coefficients in the whitened basis
    z: Tensor  # [Q, k, N] their logits
    value: Tensor  # [Q] their objective
    weight: Tensor  # [Q, N]
    rows: Tensor  # [Q] which weightings these are
    likelihood: Likelihood  # theirs

    def only(self, keep: Tensor) -> _State:
        w, z, value, weight, rows = (
            v[keep] for v in (self.w, self.z, self.value, self.weight, self.rows)
        )
        return _State(w, z, value, weight, rows, self.likelihood[keep])


def fit(
    features: Tensor,
    target: Tensor,
    weights: Tensor,
    inverse_penalties: Tensor,
    *,
    classes: int,
    tolerance: float = 1e-6,
) -> Fits:
    """Solve M x L problems.

    Args:
        features: ``[N, D]``.
        target: ``[N]`` int64, or ``[M, N]``: for each weighting its own.
        weights: ``[M, N]``; 0 leaves a case out. Expanded tensors are welcome.
        inverse_penalties: ``[L]``; scikit-learn's ``C``, in any order.
        tolerance: of the objective, relative: what a further Newton step would gain.

    Raises:
        UserError: features are not finite, or a weighting lacks a class.
    """
    if not features.isfinite().all():
        raise UserError("Logistic regression wanted finite features; NaN or infinity came.")
    for k in range(classes):
        if not ((weights * (target == k)).sum(1) > 0).all():
            raise UserError(
                f"Logistic regression wanted cases of each of {classes} classes in every fold; "
                f"one has none of class {k}. Use fewer folds or more cases."
            )
    path = _Path(features, target, weights, classes, tolerance)
    solved = [path.solve(float(c)) for c in inverse_penalties.sort().values]
    back = inverse_penalties.argsort().argsort()
    return Fits(
        torch.stack([path.restored(w) for w, _ in solved], 1)[:, back],
        torch.stack([converged for _, converged in solved], 1)[:, back],
    )


def probabilities(features: Tensor, coefficients: Tensor) -> Tensor:
    """``[N, D], [..., D + 1, k] -> [..., N, K]`` float64, rows sum to 1."""
    logit = features.double() @ coefficients[..., :-1, :] + coefficients[..., -1:, :]
    if logit.shape[-1] > 1:
        return logit.softmax(-1)
    return torch.cat([(-logit).sigmoid(), logit.sigmoid()], -1)


class _Path:
    """The problems of all weightings, from the strongest penalty to the weakest."""

    def __init__(
        self, features: Tensor, target: Tensor, weights: Tensor, classes: int, tolerance: float
    ) -> None:
        self.centre = features.double().mean(0)
        centred = features.double() - self.centre
        self.basis, variance = _whitening(centred)
        white = torch.nn.functional.pad((centred @ self.basis).float(), (0, 1), value=1.0)
        self.cases = Matrix(white)  # [N, E], E = rank + 1
        self.coordinates = Matrix(white.T.contiguous())
        self.ridge = torch.nn.functional.pad(1 / variance, (0, 1))  # [E]
        self.likelihood = Likelihood(target, classes)
        self.tolerance = tolerance
        self.weights = weights.float()
        k = self.likelihood.label.shape[-2]
        self.w = features.new_zeros(len(weights), k, len(self.ridge), dtype=torch.float64)
        self.past: list[tuple[Tensor, Tensor]] = []  # solutions and logits of weaker C
        self.hessian = white.new_zeros(k, len(self.ridge), len(self.ridge), dtype=torch.float64)
        self.age = SHARED_STEPS  # of the shared Hessian

    def restored(self, w: Tensor) -> Tensor:
        """``[M, k, E] -> [M, D + 1, k]``: coefficients of the features as they came."""
        slope = w[..., :-1] @ self.basis.T
        intercept = w[..., -1] - slope @ self.centre
        return torch.cat([slope, intercept[..., None]], -1).mT

    def solve(self, c: float) -> tuple[Tensor, Tensor]:
        """Solutions ``[M, k, E]`` at one penalty, and which of them converged ``[M]``."""
        state = self._start(c)
        solution, converged = self.w.clone(), torch.zeros_like(state.rows, dtype=torch.bool)
        factor = None
        for step in range(NEWTON_STEPS):
            if factor is None or self.age >= SHARED_STEPS:
                factor = self._preconditioner(state, c)
            slope, state = self._newton(state, c, factor)
            done = -slope / 2 <= self.tolerance * state.value
            converged[state.rows[done]] = True
            if step == NEWTON_STEPS - 1:
                done = torch.ones_like(done)
            solution[state.rows[done]] = state.w[done]
            if done.all():
                break
            state = state.only(~done)
        self.w = solution
        return solution, converged

    def _start(self, c: float) -> _State:
        """The last solutions, or where a line or parabola through them leads: the best of these."""
        rows = torch.arange(len(self.w), device=self.w.device)
        logits = self._logits(self.w)
        best = _State(self.w, logits, rows.double(), self.weights, rows, self.likelihood)
        best.value = self._objective(best, best.w, best.z, c)
        self.past = [*self.past, (best.w, best.z)][-3:]
        for order in EXTRAPOLATIONS[: len(self.past) - 1]:
            past = self.past[-len(order) :]
            w = sum(
                (a * solution for a, (solution, _) in zip(order, past, strict=True)), 0 * best.w
            )
            z = sum((a * logits for a, (_, logits) in zip(order, past, strict=True)), 0 * best.z)
            value = self._objective(best, w, z, c)
            better = (value < best.value)[:, None, None]
            best.w, best.z = torch.where(better, w, best.w), torch.where(better, z, best.z)
            best.value = torch.minimum(value, best.value)
        return best

    def _newton(self, state: _State, c: float, factor: Tensor) -> tuple[Tensor, _State]:
        """One step of all problems, and the slope ``[Q]`` at its start: twice what it gains."""
        residual = state.likelihood.residual(state.z)
        gradient = self._gathered(residual * state.weight[:, None] * c) + self.ridge * state.w
        enough = self.tolerance * state.value
        direction, change = torch.zeros_like(gradient), torch.zeros_like(state.z)
        left, solved = -gradient, _divided(-gradient, factor)
        onward, energy = solved, _dot(left, solved)
        wanted = FORCING**2 * energy
        for step in range(CONJUGATE_STEPS):
            logits = self._logits(onward)
            bent = state.likelihood.bend(residual, logits) * (c * state.weight[:, None])
            product = self._gathered(bent) + self.ridge * onward
            length = _ratio(energy, _dot(onward, product))
            direction = direction + length * onward
            change = torch.addcmul(change, length.float(), logits)
            left = left - length * product
            solved = _divided(left, factor)
            energy, before = _dot(left, solved), energy
            gain = -_dot(gradient, direction) / 2
            settled = bool(step) and bool((2 * gain + energy < enough).all())
            if settled or (energy <= wanted).all():
                break
            onward = solved + _ratio(energy, before) * onward
        self.age += step + 1
        slope = _dot(gradient, direction)
        return slope, self._searched(state, direction, change, slope, c)

    def _searched(
        self, state: _State, direction: Tensor, change: Tensor, slope: Tensor, c: float
    ) -> _State:
        """Each problem's own step by the Wolfe conditions; cheap, for logits move on a line."""
        length = torch.ones_like(slope)
        low, high = torch.zeros_like(slope), torch.full_like(slope, torch.inf)
        for _ in range(STEP_TRIALS):
            w = state.w + length[:, None, None] * direction
            z = torch.addcmul(state.z, change, length[:, None, None].float())
            value = self._objective(state, w, z, c)
            pull = state.likelihood.residual(z) * state.weight[:, None]
            now = c * _dot(pull, change).double() + _dot(self.ridge * w, direction)
            far = value > state.value + 1e-4 * length * slope + ROUNDING * state.value
            near = ~far & (now < 0.9 * slope)
            if not (far | near).any():
                break
            high, low = torch.where(far, length, high), torch.where(near, length, low)
            middle = torch.where(high.isinf(), 2 * length, (low + high) / 2)
            length = torch.where(far | near, middle, length)
        return _State(w, z, value, state.weight, state.rows, state.likelihood)

    def _preconditioner(self, state: _State, c: float) -> Tensor:
        """Cholesky factors ``[k, E, E]`` of the Hessian of the mean problem, one per logit."""
        if self.age >= SHARED_STEPS:
            residual = state.likelihood.residual(state.z)
            mean = (state.likelihood.curvature(residual) * state.weight[:, None]).mean(0)  # [k, N]
            scaled = (self.coordinates.dense * curvature for curvature in mean)
            self.hessian = torch.stack([self.coordinates.times(s) for s in scaled]).double()
            self.age = 0
        shared = c * self.hessian
        diagonal = shared.diagonal(dim1=-2, dim2=-1)
        floor = 3e-7 * diagonal.mean()
        diagonal += self.ridge + floor
        factor: Tensor
        factor, failed = torch.linalg.cholesky_ex(shared.float())
        while failed.any():  # rounding took its positive definiteness
            floor = 10 * floor
            diagonal += floor
            factor, failed = torch.linalg.cholesky_ex(shared.float())
        return factor

    def _objective(self, state: _State, w: Tensor, z: Tensor, c: float) -> Tensor:
        """``[Q]``, of the problems of a state at other coefficients and logits."""
        loss = (state.weight * state.likelihood.loss(z)).sum(1).double()
        return _dot(self.ridge * w, w) / 2 + c * loss

    def _logits(self, w: Tensor) -> Tensor:
        """``[Q, k, E] -> [Q, k, N]``."""
        return self.cases.times(w.flatten(0, 1).float()).view(*w.shape[:2], -1)

    def _gathered(self, pull: Tensor) -> Tensor:
        """``[Q, k, N] -> [Q, k, E]``: what the cases pull on each coefficient."""
        return self.coordinates.times(pull.flatten(0, 1)).view(*pull.shape[:2], -1).double()


def _whitening(centred: Tensor) -> tuple[Tensor, Tensor]:
    """``[N, D] -> [D, R], [R]``: a basis in which features have unit variance, and their variance.

    R is the rank, so features of more dimensions than cases cost no more than the cases do.
    """
    cases, width = centred.shape
    wide = width > cases
    gram = centred @ centred.T if wide else centred.T @ centred
    energy, vectors = torch.linalg.eigh(gram)
    kept = energy > 1e-13 * energy[-1]
    energy, vectors = energy[kept], vectors[:, kept]
    if wide:
        vectors = centred.T @ vectors / energy.sqrt()
    variance = energy / cases
    return vectors / variance.sqrt(), variance


def _divided(rows: Tensor, factor: Tensor) -> Tensor:
    """``[Q, k, E]`` by the shared Hessian; the logits of K classes keep a sum of zero."""
    solved = torch.cholesky_solve(rows.permute(1, 2, 0).float(), factor)
    solved = solved.permute(2, 0, 1).double()
    return solved if rows.shape[1] == 1 else solved - solved.mean(1, keepdim=True)


def _ratio(energy: Tensor, by: Tensor) -> Tensor:
    """``[Q], [Q] -> [Q, 1, 1]``; 0 where rounding left less than nothing of a finished problem."""
    return torch.where(by > 0, energy / by, 0.0)[:, None, None]


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """``[Q, k, *] x 2 -> [Q]``."""
    return (a * b).sum((1, 2))
