package report

import (
	"encoding/csv"
	"fmt"
	"io"
)

// writeCSV writes a table whose cells are plain numbers; the name of a column carries its unit.
func writeCSV(w io.Writer, t table) error {
	out := csv.NewWriter(w)
	head := make([]string, len(t.columns))
	for i, c := range t.columns {
		head[i] = c.name
	}
	if err := out.Write(head); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	if err := out.WriteAll(t.rows); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}
