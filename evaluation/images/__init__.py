"""One recipe, many forms: building, converting and recognising the evaluation image."""
