"""Adapters: one file per family, pure argv builders."""
