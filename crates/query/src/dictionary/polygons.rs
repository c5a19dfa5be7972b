//! Which polygon a point is in: of those that hold it, the one with the least area.
//!
//! ```text
//! point ─▶ cell of a grid over all polygons ─▶ those whose bounds meet the cell, smallest first ─▶ parity of edges below
//! ```
//!
//! Never here: what a point's polygon is asked for.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Float64Type};
use types::{DataType, ErrorCode, TupleField};

use super::content::Row;
use crate::error::{Error, Result};

/// Cells of the grid along one side at most: a polygon that covers all of it is listed in each.
const GRID_SIDE_MAX: usize = 32;

/// Strips of a polygon's width in which its edges are listed, at most.
const STRIPS_MAX: usize = 1024;

/// What counts as being inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Borders {
    /// All borders, those of holes too: POLYGON_SIMPLE.
    Inside,
    /// The lower and the left ones: what ClickHouse's slabs give.
    HalfOpen,
}

/// The polygons of a dictionary.
#[derive(Debug)]
pub(super) struct Polygons {
    /// Smallest first.
    polygons: Vec<Polygon>,
    bounds: Bounds,
    /// Cells along one side.
    side: usize,
    /// Positions in `polygons` by cell, row by row, ascending.
    cells: Vec<Vec<u32>>,
    borders: Borders,
}

#[derive(Debug)]
struct Polygon {
    row: Row,
    area: f64,
    bounds: Bounds,
    /// The outer one first, then holes.
    rings: Vec<Vec<Point>>,
    edges: Vec<Edge>,
    /// Positions in `edges` by strip of the width.
    strips: Vec<Vec<u32>>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Point {
    x: f64,
    y: f64,
}

/// An edge that is not vertical, `left.x < right.x`.
#[derive(Debug)]
struct Edge {
    left: f64,
    right: f64,
    slope: f64,
    offset: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    min: Point,
    max: Point,
}

/// The type that a declared key stands for: `Ring` and `MultiPolygon` have names of their own.
pub(super) fn key_type(declared: &str) -> Result<DataType> {
    let point = || {
        let field = || TupleField { name: None, ty: DataType::Float64 };
        DataType::Tuple([field(), field()].into_iter().collect())
    };
    match declared {
        "Point" => Ok(point()),
        "Ring" => Ok(DataType::array(point())),
        "Polygon" => Ok(DataType::array(DataType::array(point()))),
        "MultiPolygon" => Ok(DataType::array(DataType::array(DataType::array(point())))),
        other => Ok(DataType::parse(other)?),
    }
}

/// Refuses a key that is neither a ring nor many polygons.
pub(super) fn check_key(ty: &DataType) -> Result<()> {
    const ALLOWED: [&str; 4] = [
        "Array(Array(Array(Array(Float64))))",
        "Array(Array(Array(Tuple(Float64, Float64))))",
        "Array(Array(Float64))",
        "Array(Tuple(Float64, Float64))",
    ];
    if ALLOWED.contains(&ty.to_string().as_str()) {
        return Ok(());
    }
    Err(bad(format!(
        "the key type {ty} is not one of the following allowed types for a polygon dictionary: {}",
        ALLOWED.join(" ")
    )))
}

fn bad(message: impl Into<String>) -> Error {
    Error::refused(ErrorCode::BAD_ARGUMENTS, message.into())
}

impl Polygons {
    /// The polygons of a column of keys, whose type [`check_key`] took.
    pub(super) fn new(keys: &ArrayRef, borders: Borders) -> Result<Polygons> {
        let mut polygons = Vec::new();
        for row in 0..keys.len() {
            let number = Row::try_from(row).map_err(|_| bad("a dictionary has more than 4,294,967,295 rows"))?;
            for rings in polygons_of(keys, row)? {
                polygons.push(Polygon::new(number, rings)?);
            }
        }
        polygons.sort_by(|a, b| a.area.total_cmp(&b.area));
        let bounds = Bounds::around(polygons.iter().flat_map(|polygon| [polygon.bounds.min, polygon.bounds.max]));
        let side = polygons.len().isqrt().clamp(1, GRID_SIDE_MAX);
        let mut cells = vec![Vec::new(); side * side];
        for (at, polygon) in polygons.iter().enumerate() {
            let (left, bottom) = bounds.cell(polygon.bounds.min, side);
            let (right, top) = bounds.cell(polygon.bounds.max, side);
            for line in bottom..=top {
                for cell in cells.iter_mut().skip(line * side + left).take(right - left + 1) {
                    // fewer than rows, times polygons of one row: memory ends before numbers do
                    cell.push(u32::try_from(at).map_err(|_| bad("a dictionary has too many polygons"))?);
                }
            }
        }
        Ok(Polygons { polygons, bounds, side, cells, borders })
    }

    /// The row of each point's polygon. Coordinates that are no finite numbers are an error.
    pub(super) fn find(&self, x: &[f64], y: &[f64]) -> Result<Vec<Option<Row>>> {
        let mut rows = Vec::with_capacity(x.len());
        for (x, y) in x.iter().zip(y) {
            check_finite(*x, "input")?;
            check_finite(*y, "input")?;
            rows.push(self.row_of(Point { x: *x, y: *y }));
        }
        Ok(rows)
    }

    fn row_of(&self, point: Point) -> Option<Row> {
        if !self.bounds.hold(point) {
            return None;
        }
        let (column, line) = self.bounds.cell(point, self.side);
        let near = self.cells.get(line * self.side + column)?;
        let mut near = near.iter().filter_map(|at| self.polygons.get(*at as usize));
        near.find(|polygon| polygon.holds(point, self.borders)).map(|polygon| polygon.row)
    }
}

impl Bounds {
    /// Around no point: bounds that hold nothing.
    fn around(points: impl Iterator<Item = Point>) -> Bounds {
        let nothing = Bounds {
            min: Point { x: f64::INFINITY, y: f64::INFINITY },
            max: Point { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY },
        };
        points.fold(nothing, |bounds, point| Bounds {
            min: Point { x: bounds.min.x.min(point.x), y: bounds.min.y.min(point.y) },
            max: Point { x: bounds.max.x.max(point.x), y: bounds.max.y.max(point.y) },
        })
    }

    fn hold(&self, point: Point) -> bool {
        self.min.x <= point.x && point.x <= self.max.x && self.min.y <= point.y && point.y <= self.max.y
    }

    /// Column and line of a point in a grid of so many cells a side.
    fn cell(&self, point: Point, side: usize) -> (usize, usize) {
        (nth(point.x, self.min.x, self.max.x, side), nth(point.y, self.min.y, self.max.y, side))
    }
}

/// Which of `count` equal pieces of a range a value is in; grows with the value, so a range of values is a range of pieces.
fn nth(value: f64, min: f64, max: f64, count: usize) -> usize {
    let share = (value - min) / (max - min);
    // NaN of a range without width becomes 0
    ((share * count as f64) as usize).min(count - 1)
}

impl Polygon {
    fn new(row: Row, rings: Vec<Vec<Point>>) -> Result<Polygon> {
        for ring in &rings {
            if ring.len() < 3 {
                return Err(bad(
                    "every ring included in a polygon or excluded from it should contain at least 3 points",
                ));
            }
            for point in ring {
                check_finite(point.x, "polygon")?;
                check_finite(point.y, "polygon")?;
            }
        }
        let bounds = Bounds::around(rings.iter().flatten().copied());
        let mut areas = rings.iter().map(|ring| area(ring));
        let area = areas.next().unwrap_or(0.0) - areas.sum::<f64>();
        let edges: Vec<Edge> = rings.iter().flat_map(|ring| sides(ring)).filter_map(Edge::new).collect();
        let mut strips = vec![Vec::new(); (edges.len() / 4).clamp(1, STRIPS_MAX)];
        let count = strips.len();
        for (at, edge) in edges.iter().enumerate() {
            let at = u32::try_from(at).map_err(|_| bad("a polygon has too many points"))?;
            let first = nth(edge.left, bounds.min.x, bounds.max.x, count);
            let last = nth(edge.right, bounds.min.x, bounds.max.x, count);
            strips.iter_mut().take(last + 1).skip(first).for_each(|strip| strip.push(at));
        }
        Ok(Polygon { row, area, bounds, rings, edges, strips })
    }

    fn holds(&self, point: Point, borders: Borders) -> bool {
        if !self.bounds.hold(point) {
            return false;
        }
        match borders {
            Borders::HalfOpen => self.is_above_odd(point),
            Borders::Inside => {
                let mut places = self.rings.iter().map(|ring| place(ring, point));
                let is_in = places.next().is_some_and(|place| place != Place::Outside);
                is_in && places.all(|place| place != Place::Inside)
            }
        }
    }

    /// True when an odd number of edges is below the point or meets it.
    fn is_above_odd(&self, point: Point) -> bool {
        let strip = nth(point.x, self.bounds.min.x, self.bounds.max.x, self.strips.len());
        let edges = self.strips.get(strip).into_iter().flatten().filter_map(|at| self.edges.get(*at as usize));
        let below = edges.filter(|edge| {
            let is_last = edge.right == self.bounds.max.x && point.x == edge.right;
            edge.left <= point.x && (point.x < edge.right || is_last) && point.x * edge.slope + edge.offset <= point.y
        });
        below.count() % 2 == 1
    }
}

impl Edge {
    fn new((a, b): (Point, Point)) -> Option<Edge> {
        let (left, right) = if a.x < b.x { (a, b) } else { (b, a) };
        let slope = (right.y - left.y) / (right.x - left.x);
        (left.x < right.x).then_some(Edge { left: left.x, right: right.x, slope, offset: left.y - slope * left.x })
    }
}

/// The sides of a ring, the closing one included.
fn sides(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

fn area(ring: &[Point]) -> f64 {
    let doubled: f64 = sides(ring).map(|(a, b)| a.x * b.y - b.x * a.y).sum();
    doubled.abs() / 2.0
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Inside,
    Border,
    Outside,
}

fn place(ring: &[Point], point: Point) -> Place {
    let mut is_inside = false;
    for (a, b) in sides(ring) {
        let cross = (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x);
        if cross == 0.0 && Bounds::around([a, b].into_iter()).hold(point) {
            return Place::Border;
        }
        if (a.y <= point.y) != (b.y <= point.y) && (cross > 0.0) == (a.y < b.y) {
            is_inside = !is_inside;
        }
    }
    if is_inside { Place::Inside } else { Place::Outside }
}

fn check_finite(value: f64, whose: &str) -> Result<()> {
    if value.is_nan() {
        return Err(bad(format!("{whose} point component of a polygon dictionary must not be NaN")));
    }
    if value.is_infinite() {
        return Err(bad(format!("{whose} point component of a polygon dictionary must not be infinite")));
    }
    Ok(())
}

/// The polygons of a key, each as its rings.
fn polygons_of(keys: &ArrayRef, row: usize) -> Result<Vec<Vec<Vec<Point>>>> {
    let items = item(keys, row)?;
    // a ring's items are points, and the items of those numbers
    let is_ring = match items.data_type() {
        ArrowType::List(field) => field.data_type() == &ArrowType::Float64,
        _ => true,
    };
    if is_ring {
        return Ok(vec![vec![points(&items)?]]);
    }
    let mut polygons = Vec::with_capacity(items.len());
    for at in 0..items.len() {
        let rings = item(&items, at)?;
        let rings = (0..rings.len()).map(|at| points(&item(&rings, at)?));
        polygons.push(rings.collect::<Result<Vec<_>>>()?);
    }
    Ok(polygons)
}

fn item(lists: &ArrayRef, row: usize) -> Result<ArrayRef> {
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| Error::Plan("a polygon is no list".to_owned()))?;
    Ok(lists.value(row))
}

/// Points as tuples, or as arrays of two.
fn points(array: &ArrayRef) -> Result<Vec<Point>> {
    let numbers = |array: &ArrayRef| array.as_primitive_opt::<Float64Type>().map(|numbers| numbers.values().clone());
    let wrong = || Error::Plan("a point is no pair of numbers".to_owned());
    if let Some(tuples) = array.as_struct_opt() {
        let [x, y] = tuples.columns() else { return Err(wrong()) };
        let (x, y) = (numbers(x).ok_or_else(wrong)?, numbers(y).ok_or_else(wrong)?);
        return Ok(x.iter().zip(y.iter()).map(|(x, y)| Point { x: *x, y: *y }).collect());
    }
    (0..array.len())
        .map(|at| match numbers(&item(array, at)?).ok_or_else(wrong)?.as_ref() {
            [x, y] => Ok(Point { x: *x, y: *y }),
            _ => Err(bad("all points should be two-dimensional")),
        })
        .collect()
}

/// A coordinate of the points that are looked for, by its position.
pub(super) fn coordinate(keys: &[ArrayRef], at: usize) -> Result<&[f64]> {
    let column = keys.get(at).and_then(|column| column.as_primitive_opt::<Float64Type>());
    let column = column.ok_or_else(|| Error::Plan("a point is no pair of columns".to_owned()))?;
    Ok(column.values())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use proptest::prelude::*;

    fn index(polygons: Vec<(Row, Vec<Vec<Point>>)>, borders: Borders) -> Polygons {
        // the same steps as `Polygons::new`, without the column
        use arrow::array::{Float64Builder, ListBuilder};
        let mut keys = ListBuilder::new(ListBuilder::new(ListBuilder::new(ListBuilder::new(Float64Builder::new()))));
        for (_, rings) in &polygons {
            for ring in rings {
                for point in ring {
                    let numbers = keys.values().values().values();
                    numbers.values().append_value(point.x);
                    numbers.values().append_value(point.y);
                    numbers.append(true);
                }
                keys.values().values().append(true);
            }
            keys.values().append(true);
            keys.append(true);
        }
        let keys: ArrayRef = Arc::new(keys.finish());
        Polygons::new(&keys, borders).unwrap()
    }

    fn square(x: f64, y: f64, side: f64) -> Vec<Point> {
        vec![Point { x, y }, Point { x: x + side, y }, Point { x: x + side, y: y + side }, Point { x, y: y + side }]
    }

    #[test]
    fn the_smallest_polygon_that_holds_a_point_is_its_polygon() {
        let polygons = index(
            vec![
                (0, vec![square(0.0, 0.0, 10.0)]),
                (1, vec![square(2.0, 2.0, 2.0)]),
                (2, vec![square(20.0, 20.0, 10.0), square(22.0, 22.0, 6.0)]),
            ],
            Borders::HalfOpen,
        );
        let found = polygons.find(&[3.0, 1.0, 21.0, 25.0, 50.0], &[3.0, 1.0, 21.0, 25.0, 50.0]).unwrap();
        assert_eq!(found, [Some(1), Some(0), Some(2), None, None]);
        assert!(polygons.find(&[f64::NAN], &[0.0]).is_err());
    }

    proptest! {
        /// The grid and the strips leave nothing out that a walk over all polygons finds.
        #[test]
        fn the_grid_finds_what_a_walk_finds(
            squares in prop::collection::vec((0..40_i32, 0..40_i32, 1..20_i32), 0..30),
            asked in prop::collection::vec((0..60_i32, 0..60_i32), 1..40),
            simple in any::<bool>(),
        ) {
            let square = |(x, y, side): &(i32, i32, i32)| square(f64::from(*x), f64::from(*y), f64::from(*side));
            let borders = if simple { Borders::Inside } else { Borders::HalfOpen };
            let rows = squares.iter().enumerate().map(|(row, s)| (row as Row, vec![square(s)])).collect();
            let index = index(rows, borders);
            for (x, y) in asked {
                let holding = squares.iter().enumerate().filter(|(_, (left, bottom, side))| match simple {
                    true => *left <= x && x <= left + side && *bottom <= y && y <= bottom + side,
                    // a polygon's last slab is closed
                    false => *left <= x && x <= left + side && *bottom <= y && y < bottom + side,
                });
                let smallest = holding.min_by_key(|(row, (.., side))| (*side, *row)).map(|(row, _)| row as Row);
                prop_assert_eq!(index.find(&[f64::from(x)], &[f64::from(y)]).unwrap(), [smallest]);
            }
        }
    }
}
