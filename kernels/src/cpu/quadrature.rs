//! Points and weights of Gauss-Legendre quadrature on (0, 1): M points integrate polynomials up to degree 2 M - 1 exactly.
//!
//! The digits are part of the format of explanations: every backend uses these.

/// Points and weights of Gauss-Legendre quadrature on (0, 1).
pub(super) struct Quadrature<const M: usize> {
    pub(super) points: [f64; M],
    pub(super) weights: [f64; M],
}

pub(super) const LEGENDRE_2: Quadrature<2> =
    Quadrature { points: [0.2113248654051871, 0.7886751345948129], weights: [0.5, 0.5] };
pub(super) const LEGENDRE_4: Quadrature<4> = Quadrature {
    points: [0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970263],
    weights: [0.17392742256872692, 0.32607257743127305, 0.32607257743127305, 0.17392742256872692],
};
pub(super) const LEGENDRE_8: Quadrature<8> = Quadrature {
    points: [
        0.019855071751231884,
        0.10166676129318664,
        0.2372337950418355,
        0.4082826787521751,
        0.591717321247825,
        0.7627662049581645,
        0.8983332387068134,
        0.9801449282487681,
    ],
    weights: [
        0.05061426814518813,
        0.11119051722668724,
        0.15685332293894363,
        0.181341891689181,
        0.181341891689181,
        0.15685332293894363,
        0.11119051722668724,
        0.05061426814518813,
    ],
};
pub(super) const LEGENDRE_16: Quadrature<16> = Quadrature {
    points: [
        0.005299532504175033,
        0.02771248846338371,
        0.06718439880608412,
        0.12229779582249849,
        0.19106187779867811,
        0.2709916111713863,
        0.35919822461037054,
        0.4524937450811813,
        0.5475062549188188,
        0.6408017753896295,
        0.7290083888286137,
        0.8089381222013219,
        0.8777022041775016,
        0.9328156011939158,
        0.9722875115366163,
        0.994700467495825,
    ],
    weights: [
        0.013576229705877048,
        0.031126761969323947,
        0.04757925584124639,
        0.06231448562776694,
        0.07479799440828837,
        0.08457825969750127,
        0.09130170752246179,
        0.09472530522753425,
        0.09472530522753425,
        0.09130170752246179,
        0.08457825969750127,
        0.07479799440828837,
        0.06231448562776694,
        0.04757925584124639,
        0.031126761969323947,
        0.013576229705877048,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const M: usize>(quadrature: &Quadrature<M>) {
        for power in 0..2 * M as i32 {
            let sum: f64 = quadrature.points.iter().zip(quadrature.weights).map(|(t, w)| w * t.powi(power)).sum();
            assert!((sum - 1.0 / f64::from(power + 1)).abs() < 1e-15, "{M} points, power {power}");
        }
    }

    #[test]
    fn quadratures_are_exact_to_their_degree() {
        check(&LEGENDRE_2);
        check(&LEGENDRE_4);
        check(&LEGENDRE_8);
        check(&LEGENDRE_16);
    }
}
