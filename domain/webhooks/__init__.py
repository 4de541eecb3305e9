"""Webhooks: the rules by which events leave the house."""
