"""From findings to verdicts. Nothing here touches a container."""
