import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import RunError, UsageError
from gradus.surface.curvature import expand, expand_task
from gradus.surface.lanczos import extreme_eigenvalues, lanczos, spectral_density
from tests.surface.small import dense_hessian, quadratic, small_task


def with_eigenvalues(values, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns."""
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    axes = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    return axes @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ axes.T, axes


def surface_of(matrix):
    return expand(quadratic(matrix), torch.zeros(len(matrix), dtype=matrix.dtype))


@pytest.fixture(scope="module")
def net():
    task = small_task()
    return expand_task(task, task.test()), dense_hessian(task, task.test())


def test_both_ends_of_a_nets_spectrum_are_those_of_the_dense_hessian(net):
    expansion, hessian = net
    assert len(hessian) == 203
    exact = torch.linalg.eigvalsh(hessian).numpy()
    found = extreme_eigenvalues(expansion, 10, 4, tolerance=1e-10)
    assert found.largest == pytest.approx(exact[::-1][:10], rel=1e-9, abs=1e-9)
    assert found.smallest == pytest.approx(exact[:4], rel=1e-9, abs=1e-9)
    assert found.settled
    assert found.steps < 203


def test_the_default_tolerance_stops_early_and_keeps_its_word(net):
    expansion, hessian = net
    exact = torch.linalg.eigvalsh(hessian).numpy()
    found = extreme_eigenvalues(expansion, 3, 1)
    assert found.steps < 60
    assert found.error <= 1e-4 * abs(exact).max()
    assert abs(found.largest - exact[::-1][:3]).max() <= found.error
    assert abs(found.smallest - exact[:1]).max() <= found.error


def test_in_single_precision_the_ends_are_right_to_five_digits():
    task = small_task(dtype=torch.float32)
    exact = torch.linalg.eigvalsh(dense_hessian(small_task(), small_task().test())).numpy()
    # The same seed gives float32 and float64 nets the same weights but for rounding.
    found = extreme_eigenvalues(expand_task(task, task.test()), 10, 1, tolerance=1e-5)
    assert found.largest == pytest.approx(exact[::-1][:10], abs=1e-5 * exact[-1])
    assert found.smallest == pytest.approx(exact[:1], abs=1e-5 * exact[-1])


def test_the_vectors_are_unit_eigenvectors(net):
    expansion, hessian = net
    found = extreme_eigenvalues(expansion, 3, 1, tolerance=1e-12)
    torch.testing.assert_close(
        found.vectors @ found.vectors.T, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-9
    )
    torch.testing.assert_close(
        found.vectors @ hessian, torch.from_numpy(found.largest)[:, None] * found.vectors
    )


@given(values=st.lists(st.integers(-5, 5), min_size=1, max_size=9), seed=st.integers(0, 99))
def test_a_small_matrix_is_taken_apart_whole_with_multiplicities(values, seed):
    matrix, _ = with_eigenvalues(values, seed)
    found = extreme_eigenvalues(surface_of(matrix), 20, 20, tolerance=1e-12, seed=seed)
    assert found.smallest == pytest.approx(sorted(values), abs=1e-9)
    assert found.largest == pytest.approx(sorted(values, reverse=True), abs=1e-9)
    assert found.settled


def test_the_basis_stays_orthonormal_where_plain_lanczos_loses_it():
    values = [0.9**k * 1e6 for k in range(150)]  # a top that settles early brings ghosts back
    matrix, _ = with_eigenvalues(values)
    found = lanczos(lambda v: matrix @ v, torch.ones(150, dtype=torch.float64), 120)
    gram = found.basis @ found.basis.T
    torch.testing.assert_close(gram, torch.eye(120, dtype=torch.float64), rtol=0, atol=1e-12)
    assert found.eigen()[0][-1] == pytest.approx(1e6, rel=1e-12)
    assert (np.diff(found.eigen()[0][-20:]) > 1e3).all()  # each of the top ones is there once


def test_the_tridiagonal_is_the_matrix_seen_on_the_basis():
    matrix, _ = with_eigenvalues(list(range(12)))
    found = lanczos(lambda v: matrix @ v, torch.ones(12, dtype=torch.float64), 7)
    seen = found.basis @ matrix @ found.basis.T
    beside = np.diag(found.beside, 1)
    expected = torch.from_numpy(np.diag(found.diagonal) + beside + beside.T)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-12)


@given(seed=st.integers(0, 200), steps=st.integers(1, 15))
def test_the_error_bounds_the_distance_to_an_eigenvalue(seed, steps):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=30)
    matrix, _ = with_eigenvalues(values.tolist(), seed)
    found = extreme_eigenvalues(surface_of(matrix), 1, 1, steps=steps, seed=seed)
    for value in (*found.largest, *found.smallest):
        assert abs(values - value).min() <= found.error + 1e-9


def test_the_zero_matrix():
    found = extreme_eigenvalues(surface_of(torch.zeros(5, 5)), 2, 1)
    assert found.largest.tolist() == [0, 0]
    assert found.smallest.tolist() == [0]
    assert found.settled


def test_a_single_dimension():
    found = extreme_eigenvalues(surface_of(torch.tensor([[-3.0]])), 10, 1)
    assert found.largest.tolist() == [-3]
    assert found.smallest.tolist() == [-3]


def test_what_is_not_finite_is_told():
    with pytest.raises(RunError, match="not finite"):
        lanczos(lambda v: v * torch.nan, torch.ones(4), 3)


def test_numbers_that_cannot_be_meant_are_refused():
    surface = surface_of(torch.eye(3))
    with pytest.raises(UsageError, match="at least one eigenvalue, got 0"):
        extreme_eigenvalues(surface, 0)
    with pytest.raises(UsageError, match="steps ≥ 1"):
        spectral_density(surface, steps=0)
    with pytest.raises(UsageError, match="probes must be ≥ 1"):
        spectral_density(surface, probes=0)
    with pytest.raises(UsageError, match="start that is not 0"):
        lanczos(surface.product, torch.zeros(3), 2)
    with pytest.raises(UsageError, match="width must be > 0"):
        spectral_density(surface).density(np.zeros(1), 0.0)


# The density


def test_the_density_integrates_to_one_and_its_mean_is_the_trace_over_n(net):
    expansion, hessian = net
    probes = 40
    spectrum = spectral_density(expansion, probes=probes, steps=30)
    assert spectrum.weights.sum(axis=1) == pytest.approx(np.ones(probes))
    width = 0.02 * (spectrum.nodes.max() - spectrum.nodes.min())
    low, high = spectrum.nodes.min() - 8 * width, spectrum.nodes.max() + 8 * width
    grid = np.linspace(low, high, 4001)
    density = spectrum.density(grid, width)
    assert (density >= 0).all()
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-6)
    mean = hessian.trace().item() / len(hessian)
    assert np.trapezoid(density * grid, grid) == pytest.approx(spectrum.mean, rel=1e-6)
    # Signs ±1: vᵀHv has variance 2 Σ_{i≠j} H²ᵢⱼ around the trace.
    off = hessian - torch.diag(hessian.diag())
    deviation = (2 * off.square().sum() / probes).sqrt().item() / len(hessian)
    assert abs(spectrum.mean - mean) < 3 * deviation
    assert deviation < 0.4 * mean


def test_the_quadrature_is_exact_for_the_moments_seen_from_its_vectors():
    # k steps integrate every polynomial of degree < 2k exactly (Gauss).
    matrix, _ = with_eigenvalues(np.linspace(-1, 2, 25).tolist())
    spectrum = spectral_density(surface_of(matrix), probes=3, steps=4, seed=5)
    generator = torch.Generator().manual_seed(5)
    for nodes, weights in zip(spectrum.nodes, spectrum.weights, strict=True):
        v = (torch.randint(0, 2, (25,), generator=generator) * 2.0 - 1.0).double() / 5
        for degree in range(8):
            expected = (v @ torch.linalg.matrix_power(matrix, degree) @ v).item()
            assert (weights * nodes**degree).sum() == pytest.approx(expected, abs=1e-12)


def test_a_diagonal_has_its_exact_mean_from_one_vector():
    values = torch.arange(7.0, dtype=torch.float64)
    spectrum = spectral_density(surface_of(torch.diag(values)), probes=1, steps=7)
    assert spectrum.mean == pytest.approx(3)
    assert np.sort(spectrum.nodes[0]) == pytest.approx(values.numpy(), abs=1e-9)
    assert spectrum.weights[0] == pytest.approx(np.full(7, 1 / 7))


def test_two_clusters_show_as_two_bells_with_their_shares():
    matrix, _ = with_eigenvalues([0.0] * 75 + [10.0] * 25)
    spectrum = spectral_density(surface_of(matrix), probes=40, steps=10)
    grid = np.linspace(-3, 13, 1601)
    density = spectrum.density(grid, 0.3)
    upper = np.trapezoid(density[grid > 5], grid[grid > 5])
    assert upper == pytest.approx(0.25, abs=0.02)
    assert density[(grid > 3) & (grid < 7)].max() < 1e-6
