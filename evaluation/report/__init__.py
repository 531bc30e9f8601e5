"""The report: the decision, server-rendered, in one offline file."""
