//! A Markdown table whose columns line up when read as text.

/// Rows of cells under a head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Table { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    /// Columns whose number is not known beforehand.
    pub(crate) fn extend_head(&mut self, cells: impl IntoIterator<Item = String>) {
        if let Some(head) = self.rows.first_mut() {
            head.extend(cells);
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let lens = self.rows.iter().map(|row| row.get(column).map_or(0, String::len));
            lens.max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                if column == 0 { write!(f, "| {cell:<width$} |")? } else { write!(f, " {cell:>width$} |")? }
            }
            writeln!(f)?;
            if number == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let line = "-".repeat(*width);
                    if column == 0 { write!(f, "| {line} |")? } else { write!(f, " {}: |", &line[1..])? }
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// A number with as many digits as are worth reading.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A number of bytes in its largest whole unit.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        gib if gib >= 1 << 30 && gib.is_multiple_of(1 << 30) => format!("{} GiB", gib >> 30),
        mib if mib >= 1 << 20 && mib.is_multiple_of(1 << 20) => format!("{} MiB", mib >> 20),
        kib if kib >= 1 << 10 && kib.is_multiple_of(1 << 10) => format!("{} KiB", kib >> 10),
        other => format!("{other} B"),
    }
}

/// A number of entries, as the tables name it.
pub(crate) fn entries(count: u32) -> String {
    match count {
        m if m >= 1 << 20 && m.is_multiple_of(1 << 20) => format!("{} M", m >> 20),
        k if k >= 1 << 10 && k.is_multiple_of(1 << 10) => format!("{} k", k >> 10),
        other => other.to_string(),
    }
}
