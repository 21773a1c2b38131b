package capture

import "wiretax/capture/traffic"

// variantFacts say which mechanism a variant turns, see traffic.Variant.
type variantFacts struct {
	Of      string `json:"of"`
	Cause   string `json:"cause"`
	Setting string `json:"setting"`
	With    bool   `json:"with"` // the mechanism works in the variant and not in the transport
}

// variantOf is nil for a transport that is no variant.
func variantOf(transport string) *variantFacts {
	v, ok := traffic.VariantOf(transport)
	if !ok {
		return nil
	}
	return &variantFacts{Of: v.Of, Cause: v.Cause, Setting: v.Setting, With: v.With}
}
