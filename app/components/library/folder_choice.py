"""Choosing a folder on the server, among those that the settings allow."""

import os
from pathlib import Path

import streamlit as st


def folder_choice(roots: tuple[Path, ...], *, key: str) -> str | None:
    """The chosen or typed path."""
    return st.selectbox(
        "Folder",
        [str(path) for path in folders_to_choose(roots)],
        key=key,
        index=None,
        placeholder="Choose a folder, or type its path",
        accept_new_options=True,
        help="Folders that the setting REFOCUS_IMPORT_ROOTS allows.",
    )


def folders_to_choose(roots: tuple[Path, ...]) -> list[Path]:
    """The allowed folders and their direct sub-folders."""
    folders: list[Path] = []
    for root in roots:
        if os.path.isdir(root):
            folders += [root, *_sub_folders(root)]
    return folders


def _sub_folders(folder: Path) -> list[Path]:
    """Empty where permission is denied. `os.path.isdir`, because `Path.is_dir` raises there."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != "." and os.path.isdir(path))
    except OSError:
        return []
