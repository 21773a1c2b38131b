package capture

// Preset is what an experiment's numbers rest on. The recording keeps it.
type Preset struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	Assumed string   `json:"assumed"` // what no source determines
	Given   []string `json:"given"`   // flags that were given beside the preset
}
